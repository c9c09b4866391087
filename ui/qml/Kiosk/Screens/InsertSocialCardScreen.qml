pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The drawing is the instruction; the words only say it again.
PageFrame {
    id: root

    required property InsertSocialCardModel model

    objectName: "insert_social_card"
    title: model.title
    lead: model.lead

    DeviceStage {
        part: "card_slot"
        moving: root.model.ready || root.model.reading ? Machine.Still : Machine.CardInserted
        callout: root.model.callout
    }
    Card {
        visible: root.model.ready

        ValueRow {
            big: !Theme.landscape
            label: Texts.words.insert_social_card.number
            masked: root.model.card
        }
    }
    Banner {
        visible: !root.model.ready && !Theme.small
        icon: "credit-card"
        words: Texts.words.insert_social_card.how
    }

    back: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        available: !root.model.reading
        onActivated: root.model.back()
    }
    main: PushButton {
        kind: PushButton.Main
        visible: root.model.ready
        words: Texts.words.common.next
        icon: "arrow-right"
        onActivated: root.model.next()
    }
}
