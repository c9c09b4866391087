pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// What it is, that nothing is lost, what to do now.
PageFrame {
    id: root

    required property CardProblemModel model

    objectName: "card_problem"
    title: model.title
    lead: model.lead

    Banner {
        kind: Banner.Now
        icon: "hand"
        words: root.model.now
        detail: root.model.later
    }
    DeviceStage {
        visible: !root.model.tooYoung
        part: "id_plate"
        moving: Machine.CardDown
        callout: Texts.words.card_problem.callout
    }
    TileGrid {
        least: 380

        Tile {
            visible: root.model.mayActForRelative
            words: Texts.words.card_problem.for_relative
            icon: "users"
            onActivated: root.model.forRelative()
        }
        Tile {
            visible: !(Theme.elder || Theme.small) || !root.model.mayActForRelative
            words: Texts.words.card_problem.ask
            icon: "circle-question-mark"
            onActivated: root.model.help()
        }
    }
    Filler {
        visible: root.model.tooYoung
    }

    back: PushButton {
        words: Texts.words.card_problem.finish
        icon: "log-out"
        onActivated: root.model.goHome()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.againWords
        icon: "arrow-right"
        onActivated: root.model.again()
    }
}
