pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// One piece of advice or a message, beside an icon or the machine lit at a part.
Rectangle {
    id: root

    enum Kind { Now, Trouble, Info }

    property int kind: Banner.Info
    property string words: ""
    property string detail: ""
    property string icon: ""
    property string part: ""
    property int moving: Machine.Still

    Layout.fillWidth: true
    implicitWidth: 600
    implicitHeight: line.implicitHeight + 2 * Theme.s3
    radius: Theme.rM
    color: kind === Banner.Now ? Theme.nowTint : kind === Banner.Trouble ? Theme.troubleTint
                                                                         : Theme.primaryTint
    border.width: kind === Banner.Info && !Theme.highContrast ? 0 : Theme.stroke
    border.color: kind === Banner.Now ? Theme.nowLine : kind === Banner.Trouble ? Theme.trouble
                                                                                : Theme.primary

    RowLayout {
        id: line
        x: Theme.s4
        anchors.verticalCenter: parent.verticalCenter
        width: root.width - 2 * Theme.s4
        spacing: Theme.s4

        Loader {
            active: root.part !== "" && !(Theme.small && Theme.elder) // no room beside the words
            visible: active
            Layout.preferredWidth: Theme.bySize(220, 240, 240)
            Layout.preferredHeight: Theme.bySize(132, 144, 144)
            sourceComponent: Machine {
                part: root.part
                moving: root.moving
                fine: true
            }
        }
        Icon {
            visible: (root.part === "" || Theme.small && Theme.elder) && root.icon !== ""
            name: root.icon
            size: Theme.icon
            color: root.kind === Banner.Trouble ? Theme.trouble : Theme.ink
        }
        ColumnLayout {
            spacing: 0
            Label {
                visible: text !== ""
                kind: root.detail === "" && root.kind === Banner.Info ? Label.Body : Label.Strong
                text: root.words
                color: root.kind === Banner.Trouble ? Theme.trouble : Theme.ink
            }
            Label {
                visible: text !== ""
                text: root.detail
                color: Theme.ink
            }
        }
    }
}
