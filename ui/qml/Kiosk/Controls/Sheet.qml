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
    property bool twoColumns: Theme.landscape && Theme.elder
    default property alias content: blocks.data
    readonly property real limit: height - 2 * Theme.s2
    readonly property real edge: Theme.landscape ? Theme.s4 : Theme.s5
    readonly property real between: Theme.landscape ? Theme.s2 : Theme.gap

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
        width: Math.min(root.width - 2 * Theme.margin, Theme.landscape ? 1400 : 984)
        height: Math.min(root.limit, column.implicitHeight + 2 * root.edge)
        // within reach in low reach, else the middle
        y: Theme.lowReach ? root.height - height - Theme.s5 : (root.height - height) / 2
        radius: Theme.rL
        color: Theme.surface
        border.width: Theme.highContrast ? Theme.stroke : 2
        border.color: Theme.edge

        // portrait: one below the other; landscape: the ring beside the words, the buttons in a row
        GridLayout {
            id: column
            x: Theme.s6 - Theme.s1
            y: root.edge
            width: parent.width - 2 * x
            height: parent.height - 2 * root.edge
            columns: Theme.landscape && root.ofSeconds > 0 ? 2 : 1
            columnSpacing: Theme.s6
            rowSpacing: root.between

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
            ColumnLayout {
                spacing: root.between
                Label {
                    visible: text !== ""
                    kind: Label.Title
                    text: root.title
                    horizontalAlignment: root.centred && !Theme.landscape ? Text.AlignHCenter : Text.AlignLeft
                }
                Label {
                    visible: text !== ""
                    kind: Label.Strong
                    bold: false
                    text: root.lead
                    horizontalAlignment: root.centred && !Theme.landscape ? Text.AlignHCenter : Text.AlignLeft
                }
                GridLayout {
                    id: blocks
                    visible: children.length > 0
                    columns: root.twoColumns ? 2 : 1
                    columnSpacing: Theme.gap
                    rowSpacing: root.between
                }
            }
            GridLayout {
                Layout.columnSpan: column.columns
                Layout.fillWidth: true
                Layout.topMargin: Theme.landscape ? 0 : Theme.s2
                columns: Theme.landscape && root.main !== null && root.other !== null ? 2 : 1
                columnSpacing: Theme.gap
                rowSpacing: Theme.gap
                uniformCellWidths: true
                LayoutItemProxy {
                    visible: root.main !== null
                    Layout.fillWidth: true
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
}
