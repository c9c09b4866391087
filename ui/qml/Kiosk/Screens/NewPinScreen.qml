pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Six boxes fill one by one; what is in them is never shown, not even for a moment.
PageFrame {
    id: root

    required property NewPinModel model

    objectName: "new_pin"
    title: model.title
    // on a low screen there is no room for both, and what is wrong comes first
    lead: model.flaw !== "" && Theme.landscape ? model.flaw : model.lead

    RowLayout {
        Layout.fillWidth: true
        Layout.maximumWidth: root.model.ofDigits * (Theme.hControl + Theme.s2)
        spacing: Theme.s2
        Accessible.role: Accessible.StaticText
        Accessible.name: root.model.count

        Repeater {
            model: root.model.ofDigits
            Rectangle {
                id: box
                required property int index
                readonly property bool filled: index < root.model.typed
                readonly property bool lit: index === root.model.typed
                Layout.fillWidth: true
                Layout.minimumWidth: 40
                Layout.maximumWidth: Theme.hControl
                implicitWidth: 40
                implicitHeight: Theme.hControl
                radius: Theme.rS
                color: lit ? Theme.nowTint : Theme.surface
                border.width: lit ? Theme.stroke + 3 : Theme.stroke
                border.color: lit ? Theme.nowLine : Theme.edge

                Rectangle {
                    visible: box.filled
                    anchors.centerIn: parent
                    width: parent.width * 0.34
                    height: width
                    radius: width / 2
                    color: Theme.ink
                }
            }
        }
    }
    Banner {
        visible: root.model.flaw !== "" && !Theme.landscape
        kind: Banner.Trouble
        icon: "circle-alert"
        words: root.model.flaw
    }
    Filler {}

    dock: [
        Keypad {
            onDigit: character => root.model.digit(character)
            onErase: root.model.erase()
            onClear: root.model.clear()
        }
    ]
    back: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        onActivated: root.model.back()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.common.next
        icon: "arrow-right"
        available: root.model.complete
        reason: root.model.count
        onActivated: root.model.next()
    }
}
