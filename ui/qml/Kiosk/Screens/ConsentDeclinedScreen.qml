pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// Nothing was read; what else one can do.
PageFrame {
    id: root

    required property ConsentDeclinedModel model

    objectName: "consent_declined"
    title: model.title
    lead: model.lead

    Label {
        kind: Label.Section
        text: Texts.words.consent_declined.or
    }
    ListCard {
        ListRow {
            icon: "building-2"
            words: Texts.words.consent_declined.counter
            detail: root.model.counter
        }
        ListRow {
            icon: "phone"
            words: Texts.words.consent_declined.phone
            Label {
                kind: Label.Section
                text: root.model.phone
                Layout.fillWidth: false
            }
        }
    }
    Filler {}

    back: PushButton {
        words: Texts.words.consent_declined.again
        icon: "arrow-left"
        onActivated: root.model.back()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.consent_declined.finish
        icon: "log-out"
        onActivated: root.model.finish()
    }
}
