pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The machine stopped last time; what was entered is still here.
PageFrame {
    id: root

    required property DraftFoundModel model

    objectName: "draft_found"
    title: model.title
    lead: model.lead

    Card {
        spacing: Theme.s2

        ValueRow {
            big: true
            label: Texts.words.draft_found.item
            masked: root.model.item
        }
        ValueRow {
            line: true
            big: true
            label: Texts.words.draft_found.saved
            masked: root.model.savedAt
        }
        ValueRow {
            line: true
            big: true
            label: Texts.words.draft_found.kept
            masked: root.model.keptFor
        }
    }
    Banner {
        icon: "shield-check"
        words: Texts.words.draft_found.why
    }
    Filler {}

    back: PushButton {
        words: Texts.words.draft_found.discard
        icon: "eraser"
        onActivated: root.model.discard()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.draft_found.resume
        icon: "arrow-right"
        onActivated: root.model.resume()
    }
}
