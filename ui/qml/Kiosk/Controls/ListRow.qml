import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// One line of a `ListCard`. Only to be read; what is pressed stands at its right.
Item {
    id: root

    property string words: ""
    property string detail: ""
    property string icon: ""
    property string aside: ""
    property bool current: false
    property Component picture: null
    default property alias trailing: beside.data
    readonly property real inset: Theme.small ? Theme.s3 : Theme.s4
    readonly property bool first: parent !== null && y <= 0
    readonly property bool last: parent !== null && y + height >= parent.height - 1
    readonly property real corner: Theme.rL - 2 // inside the list's border

    Layout.fillWidth: true
    implicitWidth: 600
    implicitHeight: Math.max(Theme.hControl, line.implicitHeight + 2 * Theme.s2)
    Accessible.role: Accessible.ListItem
    Accessible.name: words
    Accessible.description: detail

    Rectangle {
        anchors.fill: parent
        anchors.leftMargin: 2
        anchors.rightMargin: 2
        anchors.topMargin: root.first ? 2 : 0
        anchors.bottomMargin: root.last ? 2 : 0
        topLeftRadius: root.first ? root.corner : 0
        topRightRadius: topLeftRadius
        bottomLeftRadius: root.last ? root.corner : 0
        bottomRightRadius: bottomLeftRadius
        color: root.current ? Theme.primaryTint : "transparent"
    }
    Rectangle {
        visible: !root.first
        width: root.width
        height: 2
        color: Theme.line
    }
    GridLayout {
        id: line
        x: root.inset
        width: root.width - 2 * root.inset
        anchors.verticalCenter: parent.verticalCenter
        columnSpacing: Theme.s3
        rowSpacing: Theme.s1
        // what is at the right goes below where it would leave the words no room
        columns: beside.visible && beside.implicitWidth > width * 0.42 ? 1 : 2

        RowLayout {
            spacing: Theme.s3

            Icon {
                visible: root.icon !== ""
                name: root.icon
                color: Theme.primary
                size: Theme.icon + Theme.s1
            }
            Loader {
                active: root.picture !== null
                visible: active
                sourceComponent: root.picture
            }
            ColumnLayout {
                spacing: 0
                Label {
                    kind: Label.Body
                    bold: true
                    text: root.words
                    Accessible.ignored: true
                }
                Label {
                    visible: text !== ""
                    kind: Label.Note
                    text: root.detail
                    color: Theme.ink2
                    Accessible.ignored: true
                }
            }
            Label {
                visible: text !== ""
                Layout.fillWidth: false
                Layout.maximumWidth: line.width * 0.4
                kind: Label.Note
                text: root.aside
                color: Theme.ink2
            }
        }
        RowLayout {
            id: beside
            visible: children.length > 0
            spacing: Theme.s3
        }
    }
}
