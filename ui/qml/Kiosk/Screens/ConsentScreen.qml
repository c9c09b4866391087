pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// What is read, why, and how long it is kept. Saying no is as easy as saying yes.
PageFrame {
    id: root

    required property ConsentModel model

    objectName: "consent"
    title: model.title
    lead: model.lead
    readFirst: true

    Repeater {
        model: root.model.lines
        Card {
            id: entry
            required property string what
            required property string why
            required property string kept
            readonly property real labelWidth: Theme.bySize(150, 200, 260)
            title: what

            ValueRow {
                label: Texts.words.consent.why
                labelWidth: entry.labelWidth
                masked: entry.why
            }
            ValueRow {
                label: Texts.words.consent.kept
                labelWidth: entry.labelWidth
                masked: entry.kept
            }
        }
    }
    Filler {}

    back: PushButton {
        words: Texts.words.consent.decline
        icon: "x"
        onActivated: root.model.decline()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.consent.agree
        icon: "check"
        onActivated: root.model.agree()
    }
}
