import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// A dialog above the page: what, then full-width buttons, the harmless one first.
Item {
    id: root

    property string title: ""
    property string lead: ""
    property int seconds: 0
    property int ofSeconds: 0
    property string unit: ""
    property PushButton main: null
    property PushButton other: null
    property bool centred: true
    default property alias content: blocks.data
    readonly property bool overflows: column.implicitHeight + 2 * Theme.s5 > limit
    readonly property real limit: height - 2 * Theme.s4

    anchors.fill: parent
    Accessible.role: Accessible.Dialog
    Accessible.id: objectName
    Accessible.name: title

    Rectangle {
        anchors.fill: parent
        color: Theme.scrim
        // presses beside the sheet do nothing and reach nothing below
        MouseArea {
            anchors.fill: parent
            acceptedButtons: Qt.AllButtons
            Accessible.ignored: true
        }
    }
    Rectangle {
        id: paper
        anchors.horizontalCenter: parent.horizontalCenter
        width: Math.min(root.width - 2 * Theme.margin, Theme.landscape ? 1100 : 984)
        height: Math.min(root.limit, column.implicitHeight + 2 * Theme.s5)
        // within reach in low reach, else the middle
        y: Theme.lowReach ? root.height - height - Theme.s5 : (root.height - height) / 2
        radius: Theme.rL
        color: Theme.surface
        border.width: Theme.highContrast ? Theme.stroke : 2
        border.color: Theme.edge

        ColumnLayout {
            id: column
            x: Theme.s6 - Theme.s1
            y: Theme.s5
            width: parent.width - 2 * x
            height: parent.height - 2 * Theme.s5
            spacing: Theme.gap

            Ring {
                visible: root.ofSeconds > 0
                Layout.alignment: Qt.AlignHCenter
                Layout.topMargin: Theme.s2
                Layout.bottomMargin: Theme.s2
                big: true
                seconds: root.seconds
                ofSeconds: root.ofSeconds
                unit: root.unit
            }
            Label {
                visible: text !== ""
                kind: Label.Title
                text: root.title
                horizontalAlignment: root.centred ? Text.AlignHCenter : Text.AlignLeft
            }
            Label {
                visible: text !== ""
                kind: Label.Strong
                bold: false
                text: root.lead
                horizontalAlignment: root.centred ? Text.AlignHCenter : Text.AlignLeft
            }
            ColumnLayout {
                id: blocks
                visible: children.length > 0
                spacing: Theme.gap
            }
            LayoutItemProxy {
                visible: root.main !== null
                Layout.fillWidth: true
                Layout.topMargin: Theme.s2
                target: root.main
            }
            LayoutItemProxy {
                visible: root.other !== null
                Layout.fillWidth: true
                target: root.other
            }
        }
    }
}
