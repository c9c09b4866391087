import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// The machine on a white stage from edge to edge; takes the height that is left.
Rectangle {
    id: root

    property alias part: machine.part
    property alias crop: machine.crop
    property alias moving: machine.moving
    property alias callout: machine.callout
    property bool bleed: !Theme.landscape

    readonly property string stageKind: "seen"

    Layout.fillWidth: true
    Layout.fillHeight: true
    Layout.leftMargin: bleed ? -Theme.margin : 0
    Layout.rightMargin: bleed ? -Theme.margin : 0
    implicitHeight: Theme.lowReach || Theme.landscape ? 260 : Theme.bySize(400, 320, 280)
    implicitWidth: 600
    color: Theme.surface
    radius: bleed ? 0 : Theme.rL

    Machine {
        id: machine
        anchors.fill: parent
        anchors.margins: 2
    }
    Rectangle {
        width: parent.width
        height: 2
        color: Theme.line
        visible: root.bleed
    }
    Rectangle {
        anchors.bottom: parent.bottom
        width: parent.width
        height: 2
        color: Theme.line
        visible: root.bleed
    }
}
