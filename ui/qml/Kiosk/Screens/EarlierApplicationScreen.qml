pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The same person applied for the same thing a short while ago.
PageFrame {
    id: root

    required property EarlierApplicationModel model

    objectName: "earlier_application"
    title: model.title
    lead: model.lead

    Card {
        spacing: Theme.s2

        Label {
            text: Texts.words.common.number
            color: Theme.ink2
        }
        Label {
            kind: Label.Number
            text: root.model.number
        }
        ValueRow {
            line: true
            big: true
            label: Texts.words.earlier_application.accepted
            masked: root.model.acceptedAt
        }
        ValueRow {
            line: true
            big: true
            label: Texts.words.earlier_application.state
            masked: root.model.state
        }
    }
    Banner {
        icon: "search"
        words: Texts.words.earlier_application.ask
    }
    Filler {}

    back: PushButton {
        words: Texts.words.earlier_application.again
        icon: "rotate-ccw"
        onActivated: root.model.applyAgain()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.earlier_application.finish
        icon: "check"
        onActivated: root.model.finish()
    }
}
