pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// How far it is. Nothing personal.
PageFrame {
    id: root

    required property ProgressResultModel model

    objectName: "progress_result"
    title: model.title
    lead: model.lead

    Banner {
        kind: root.model.tone === "attention" ? Banner.Now : Banner.Info
        icon: root.model.tone === "attention" ? "hand" : root.model.tone === "done" ? "circle-check" : "info"
        words: root.model.now
    }
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
            visible: root.model.item !== ""
            line: true
            label: Texts.words.progress_result.item
            masked: root.model.item
        }
        ValueRow {
            visible: root.model.acceptedAt !== ""
            line: true
            label: Texts.words.progress_result.accepted
            masked: root.model.acceptedAt
        }
        ValueRow {
            visible: root.model.changedAt !== ""
            line: true
            label: Texts.words.progress_result.changed
            masked: root.model.changedAt
        }
    }
    Filler {}

    back: PushButton {
        words: Texts.words.progress_result.again
        icon: "qr-code"
        onActivated: root.model.another()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.progress_result.finish
        icon: "check"
        onActivated: root.model.finish()
    }
}
