pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Changed, not changed, or not known: said first and large, then what to do.
PageFrame {
    id: root

    required property PasswordResultModel model

    objectName: "password_result"
    title: model.title
    lead: model.lead

    Banner {
        kind: root.model.tone === "done" ? Banner.Info : root.model.tone === "trouble" ? Banner.Trouble : Banner.Now
        icon: root.model.tone === "done" ? "circle-check" : root.model.tone === "trouble" ? "circle-alert" : "hand"
        words: root.model.now
    }
    Card {
        visible: root.model.reference !== ""
        spacing: Theme.s2

        Label {
            text: Texts.words.password_result.reference
            color: Theme.ink2
        }
        Label {
            kind: Label.Number
            text: root.model.reference
        }
        ValueRow {
            line: true
            label: Texts.words.password_result.phone
            masked: root.model.phone
        }
        ValueRow {
            visible: root.model.slip !== ""
            line: true
            label: Texts.words.password_result.slip
            masked: root.model.slip
        }
    }
    Filler {}

    back: PushButton {
        visible: root.model.mayRepeat
        words: Texts.words.password_result.again
        icon: "rotate-cw"
        available: !root.model.printing
        onActivated: root.model.again()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.password_result.finish
        icon: "check"
        available: !root.model.printing
        reason: Texts.words.password_slip.printing
        onActivated: root.model.finish()
    }
}
