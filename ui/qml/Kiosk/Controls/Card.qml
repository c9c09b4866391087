import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// A white sheet to be read: no ledge. `lit`: the one place of the screen where something happens.
Item {
    id: root

    property string title: ""
    property PushButton action: null
    property bool lit: false
    property real spacing: Theme.s1
    property real padding: Theme.s4
    default property alias content: stack.data
    readonly property alias column: stack // parted only where it is higher than the page

    Layout.fillWidth: true
    implicitWidth: 600
    implicitHeight: stack.implicitHeight + 2 * padding
    Accessible.role: Accessible.Grouping
    Accessible.name: title

    Rectangle {
        anchors.fill: parent
        anchors.margins: root.lit ? -8 : 0
        radius: root.lit ? Theme.rL + 8 : Theme.rL
        color: root.lit ? Theme.now : Theme.line
    }
    Rectangle {
        anchors.fill: parent
        radius: Theme.rL
        color: Theme.surface
        border.width: root.lit ? Theme.stroke + 3 : 2
        border.color: root.lit ? Theme.nowLine : Theme.line
    }
    ColumnLayout {
        id: stack
        x: root.padding
        y: root.padding
        width: root.width - 2 * root.padding
        height: Math.max(implicitHeight, root.height - 2 * root.padding)
        spacing: root.spacing

        RowLayout {
            visible: root.title !== "" || root.action !== null
            Layout.fillWidth: true
            Layout.minimumHeight: root.action !== null ? Theme.hMin : 0
            spacing: Theme.gap
            Label {
                kind: Label.Section
                font.pixelSize: Theme.fsStrong * 1.05
                text: root.title
            }
            LayoutItemProxy {
                visible: root.action !== null
                target: root.action
            }
        }
    }
}
