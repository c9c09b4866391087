pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// The number is the message; the harmless button comes first.
Sheet {
    id: root

    required property IdleWarningModel model

    objectName: "idle_warning"
    title: model.title
    lead: model.lead
    seconds: model.secondsLeft
    ofSeconds: model.ofSeconds
    unit: Texts.words.frame.seconds

    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.idle_warning.stay
        onActivated: root.model.stay()
    }
    other: PushButton {
        words: Texts.words.idle_warning.leave
        icon: "log-out"
        onActivated: root.model.leave()
    }
}
