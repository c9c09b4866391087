pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Nothing is left behind: what lies where, one place lit at a time.
PageFrame {
    id: root

    required property TakeAwayModel model

    objectName: "take_away"
    title: model.title
    lead: model.lead
    leadLast: Theme.landscape && Theme.elder

    DeviceStage {
        crop: root.model.lit === "receipt" || root.model.lit === "sheets" ? Machine.Slots : Machine.Bench
        part: root.model.lit === "card" ? "id_plate" : root.model.lit === "social_card" ? "card_slot" : root.model.lit === "paper" ? "document_plate"
              : root.model.lit === "receipt" ? "receipt_slot" : root.model.lit === "sheets" ? "a4_slot" : ""
        moving: root.model.lit === "card" ? Machine.CardUp : root.model.lit === "paper" ? Machine.PaperUp
                : root.model.lit === "receipt" || root.model.lit === "sheets" ? Machine.PaperOut : Machine.Still
        callout: root.model.callout
    }
    ListCard {
        Repeater {
            model: root.model.things
            ListRow {
                id: thing
                required words
                required detail
                required icon
                required current
                required property string at
                required property string stateWords

                StatusLabel {
                    kind: thing.at === "taken" ? StatusLabel.Done
                          : thing.at === "there" ? StatusLabel.Attention : StatusLabel.Unknown
                    icon: thing.at === "there" ? "hand" : thing.at === "look" ? "eye" : ""
                    words: thing.stateWords
                }
            }
        }
    }

    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.take_away.finish
        icon: "check"
        available: root.model.canFinish
        reason: Texts.words.take_away.not_yet
        onActivated: root.model.finish()
    }
}
