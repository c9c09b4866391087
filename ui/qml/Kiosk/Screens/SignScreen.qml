pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// What is being signed stands above the box.
PageFrame {
    id: root

    required property SignModel model

    objectName: "sign"
    title: model.title
    lead: Theme.lowReach && Theme.elder && !Theme.landscape ? "" : model.lead // the statement takes its room

    Card {
        // only to be read: within reach stands what is touched
        readonly property var stageKind: Theme.lowReach && !Theme.landscape ? "seen" : undefined
        title: Texts.words.sign.confirm
        spacing: 0

        Repeater {
            model: root.model.statement
            Label {
                required property string words
                text: words
            }
        }
    }
    SignaturePad {
        words: Texts.words.sign.box
        hint: Texts.words.sign.hint
        strokes: root.model.strokes
        onSigned: strokes => root.model.signed(strokes)
    }
    GridLayout {
        Layout.fillWidth: true
        columns: Theme.small && Theme.elder ? 1 : 3 // side by side they would reach under the box
        columnSpacing: Theme.gap
        rowSpacing: Theme.gap

        ColumnLayout {
            spacing: 0
            MaskedLabel {
                kind: Label.Note
                shown: root.model.signer
                color: Theme.ink2
            }
            Label {
                visible: !Theme.elder && !Theme.landscape
                kind: Label.Note
                text: Texts.words.sign.only_here
                color: Theme.ink2
            }
        }
        PushButton {
            words: Texts.words.sign.ask
            icon: "circle-question-mark"
            onActivated: root.model.help()
        }
        PushButton {
            words: Texts.words.sign.clear
            icon: "eraser"
            available: !root.model.empty
            onActivated: root.model.clear()
        }
    }

    back: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        onActivated: root.model.back()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.sign.submit
        icon: "arrow-right"
        available: !root.model.empty
        reason: Texts.words.sign.not_yet
        onActivated: root.model.submit()
    }
}
