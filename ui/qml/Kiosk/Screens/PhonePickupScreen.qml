pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The code that a phone scans to fetch the scan, once.
PageFrame {
    id: root

    required property PhonePickupModel model

    objectName: "phone_pickup"
    title: model.title
    lead: model.lead

    Card {
        // only to be seen: within reach stands what is touched
        readonly property var stageKind: Theme.lowReach && !Theme.landscape && root.model.waiting ? "seen" : undefined
        visible: root.model.waiting
        lit: true

        QrCode {
            Layout.alignment: Qt.AlignHCenter
            size: Theme.small ? 240 : Theme.landscape ? 320 : 460
            text: root.model.link
            words: Texts.words.phone_pickup.code
        }
    }
    Item {
        visible: !root.model.waiting
        Layout.fillWidth: true
        Layout.fillHeight: true
        implicitHeight: Theme.iconBig * 3

        Icon {
            anchors.centerIn: parent
            name: root.model.icon
            size: Theme.iconBig * 3
            color: Theme.primary
        }
    }
    Waiting {
        visible: root.model.waiting
        seconds: root.model.seconds
        ofSeconds: root.model.ofSeconds
        words: Texts.words.phone_pickup.counting
        detail: Texts.words.phone_pickup.counting_lead
    }
    Banner {
        visible: root.model.waiting
        icon: "shield-check"
        words: Texts.words.phone_pickup.once
    }
    Filler {
        visible: root.model.waiting
    }

    back: PushButton {
        visible: root.model.mayTryAgain
        words: root.model.againWords
        icon: "refresh-cw"
        onActivated: root.model.again()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.waiting ? Texts.words.phone_pickup.have_it : Texts.words.phone_pickup.finish
        icon: "check"
        busy: root.model.busy
        busyWords: Texts.words.phone_pickup.wait
        available: !root.model.busy
        onActivated: root.model.finish()
    }
}
