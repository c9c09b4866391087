import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// One white list; children are `ListRow`s with lines between.
Item {
    id: root

    default property alias content: stack.data
    readonly property bool splits: true
    readonly property alias column: stack

    Layout.fillWidth: true
    implicitWidth: 600
    implicitHeight: stack.implicitHeight
    Accessible.role: Accessible.List

    Rectangle {
        anchors.fill: parent
        radius: Theme.rL
        color: Theme.surface
        border.width: 2
        border.color: Theme.line
    }
    ColumnLayout {
        id: stack
        width: root.width
        spacing: 0
    }
}
