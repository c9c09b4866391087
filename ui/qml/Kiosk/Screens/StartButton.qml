pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Theme

// The one amber button: where everything begins.
Pressable {
    id: root

    property string icon: ""

    Layout.fillWidth: true
    implicitWidth: 600
    implicitHeight: Math.max(Theme.landscape ? 180 : Theme.bySize(216, 232, 240), label.implicitHeight + Theme.s5 * 2)

    Ledge {
        anchors.fill: parent
        sunk: root.sunk
        radius: Theme.rL
        face: Theme.now
        facePressed: Theme.now
        edge: Theme.nowLine
        outline: Theme.nowLine
        outlinePressed: Theme.nowLine
        line: Theme.stroke
    }
    RowLayout {
        anchors.horizontalCenter: parent.horizontalCenter
        y: root.sunk * Theme.ledge + (root.height - Theme.ledge - height) / 2
        width: Math.min(implicitWidth, root.width - 2 * Theme.s4)
        spacing: Theme.s4

        Icon {
            visible: !(Theme.small && Theme.elder)
            name: root.icon
            size: Theme.iconBig * 1.3
            color: Theme.nowInk
        }
        Label {
            id: label
            kind: Label.Title
            font.pixelSize: Theme.small ? Theme.fsTitle : Theme.fsNumber
            text: root.words
            color: Theme.nowInk
            Accessible.ignored: true
        }
    }
}
