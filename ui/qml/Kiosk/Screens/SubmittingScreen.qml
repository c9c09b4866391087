pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// A moment of work: what happens, and that nothing is to be done.
PageFrame {
    id: root

    required property SubmittingModel model

    objectName: "submitting"
    title: model.title
    lead: model.lead

    Item {
        Layout.fillWidth: true
        Layout.fillHeight: true
        implicitHeight: Theme.iconBig * 3

        Icon {
            anchors.centerIn: parent
            name: "hourglass"
            size: Theme.iconBig * 3
            color: Theme.primary
        }
    }
    Banner {
        icon: "id-card"
        words: Texts.words.submitting.stay
    }
}
