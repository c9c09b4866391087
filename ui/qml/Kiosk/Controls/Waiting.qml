import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// What is being waited for, how long, and a way to have longer.
GridLayout {
    id: root

    property int seconds: 0
    property int ofSeconds: 60
    property string words: ""
    property string detail: ""
    default property alias content: right.data

    Layout.fillWidth: true
    columns: Theme.elder || Theme.small ? 1 : 2
    columnSpacing: Theme.s4
    rowSpacing: Theme.s2

    RowLayout {
        readonly property bool splits: true // page buttons may part it between its lines
        spacing: Theme.s4
        Ring {
            visible: root.ofSeconds > 0
            seconds: root.seconds
            ofSeconds: root.ofSeconds
        }
        ColumnLayout {
            spacing: 0
            Label {
                text: root.words
                kind: Label.Strong
            }
            Label {
                visible: text !== ""
                text: root.detail
                kind: Label.Note
                color: Theme.ink2
            }
        }
    }
    ColumnLayout {
        id: right
        Layout.fillWidth: root.columns === 1
        Layout.alignment: Qt.AlignVCenter
        visible: children.length > 0
    }
}
