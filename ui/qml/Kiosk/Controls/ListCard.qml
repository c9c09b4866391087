import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// One white list; children are `ListRow`s with lines between.
Item {
    id: root

    default property alias content: column.data
    readonly property bool splits: true
    readonly property alias column: column

    Layout.fillWidth: true
    implicitWidth: 600
    implicitHeight: column.implicitHeight
    Accessible.role: Accessible.List

    Rectangle {
        anchors.fill: parent
        radius: Theme.rL
        color: Theme.surface
        border.width: 2
        border.color: Theme.line
    }
    ColumnLayout {
        id: column
        width: root.width
        spacing: 0
    }
}
