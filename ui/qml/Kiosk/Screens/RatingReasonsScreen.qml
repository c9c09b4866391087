pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Why: several may be chosen, or none.
PageFrame {
    id: root

    required property RatingReasonsModel model

    objectName: "rating_reasons"
    title: model.title
    lead: model.lead
    spacing: Theme.s2

    Repeater {
        model: root.model.reasons
        ChoiceRow {
            required words
            required chosen
            required property string code
            checkable: true
            onActivated: root.model.toggle(code)
        }
    }
    Filler {}
    Waiting {
        seconds: root.model.secondsLeft
        ofSeconds: root.model.ofSeconds
        words: root.model.countdown
    }

    back: PushButton {
        words: Texts.words.rating_reasons.change
        icon: "arrow-left"
        onActivated: root.model.back()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.doneWords
        icon: "check"
        onActivated: root.model.done()
    }
}
