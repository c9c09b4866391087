pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Equal in size, neutral in order, nothing preselected; skipping is as easy as rating.
PageFrame {
    id: root

    required property RatingModel model

    objectName: "rating"
    title: model.title
    lead: Theme.sideTools ? "" : model.lead // all answers in one view go first

    Repeater {
        model: root.model.levels
        ChoiceRow {
            required words
            required icon
            required property string level
            Layout.preferredHeight: Theme.landscape ? implicitHeight : Theme.bySize(144, 152, 168)
            onActivated: root.model.rate(level)
        }
    }
    Gap {
        size: Theme.s1
    }
    ChoiceRow {
        Layout.preferredHeight: Theme.landscape ? implicitHeight : Theme.bySize(144, 152, 168)
        words: Texts.words.rating.skip
        icon: "arrow-right"
        onActivated: root.model.skip()
    }
    Filler {}
    Waiting {
        seconds: root.model.secondsLeft
        ofSeconds: root.model.ofSeconds
        words: root.model.countdown
    }
}
