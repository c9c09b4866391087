import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// Text to be read; a long one is parted by the page buttons between two lines.
RowLayout {
    id: root

    property string title: ""
    property string text: ""
    property string icon: ""
    readonly property bool splits: true

    Layout.fillWidth: true
    spacing: Theme.s3

    Icon {
        visible: root.icon !== ""
        Layout.alignment: Qt.AlignTop
        name: root.icon
        color: Theme.primary
    }
    ColumnLayout {
        spacing: 0
        readonly property bool splits: true
        Label {
            visible: text !== ""
            kind: Label.Strong
            text: root.title
        }
        Label {
            visible: text !== ""
            text: root.text
        }
    }
}
