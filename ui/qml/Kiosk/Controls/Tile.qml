import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// One service. Closed: dashed, no ledge, reason and way out in red; it still opens its guide.
Pressable {
    id: root

    property string note: ""
    property string icon: ""
    property string closedReason: ""
    property bool chosen: false
    property bool big: false
    readonly property bool closed: closedReason !== ""
    readonly property real plateSize: big ? Theme.iconBig : Theme.iconBig + Theme.s1
    readonly property color nameColor: closed ? Theme.inkOff : Theme.ink

    description: closed ? closedReason : note
    Layout.fillWidth: true
    implicitWidth: 400
    implicitHeight: Math.max(Theme.hMain, face.implicitHeight + Theme.ledge + 2 * Theme.s3)

    Ledge {
        anchors.fill: parent
        visible: !root.closed
        sunk: root.sunk
        radius: Theme.rM
        edge: root.chosen ? Theme.primary : Theme.edge
        outline: root.chosen ? Theme.primary : Theme.edge
        line: root.chosen ? Theme.stroke + 2 : Theme.thin
    }
    DashedOutline {
        anchors.fill: parent
        anchors.bottomMargin: Theme.ledge
        visible: root.closed
        fill: root.down ? Theme.sunken : "transparent"
    }
    GridLayout {
        id: face
        x: Theme.s3
        y: (root.closed ? 0 : root.sunk * Theme.ledge) + (root.height - Theme.ledge - height) / 2
        width: root.width - 2 * Theme.s3
        columns: root.big ? 1 : 2
        columnSpacing: Theme.s3
        rowSpacing: Theme.s1

        Rectangle {
            Layout.preferredWidth: root.plateSize
            Layout.preferredHeight: root.plateSize
            Layout.alignment: root.big ? Qt.AlignHCenter : Qt.AlignVCenter
            radius: Theme.rS
            color: root.big ? "transparent"
                   : root.chosen ? Theme.primary
                   : root.closed ? Theme.troubleTint : Theme.primaryTint
            visible: root.icon !== ""
            Icon {
                anchors.centerIn: parent
                name: root.chosen ? "check" : root.icon
                size: root.big ? Theme.iconBig : Theme.icon
                color: root.chosen && !root.big ? Theme.primaryInk
                       : root.closed ? Theme.trouble : Theme.primary
            }
        }
        ColumnLayout {
            spacing: 0
            Label {
                kind: Label.Strong
                text: root.words
                color: root.nameColor
                horizontalAlignment: root.big ? Text.AlignHCenter : Text.AlignLeft
                Accessible.ignored: true
            }
            Label {
                visible: text !== ""
                kind: Label.Note
                bold: root.closed
                text: root.closed ? root.closedReason : root.note
                color: root.closed ? Theme.trouble : Theme.ink2
                horizontalAlignment: root.big ? Text.AlignHCenter : Text.AlignLeft
                Accessible.ignored: true
            }
        }
    }
}
