import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Theme

// One thing to know before beginning: a bar, what it is about, and the answer.
Item {
    id: root

    property string label: ""
    property string value: ""

    Layout.fillWidth: true
    Layout.alignment: Qt.AlignTop
    implicitWidth: 280
    implicitHeight: texts.implicitHeight
    Accessible.role: Accessible.StaticText
    Accessible.name: label + " " + value

    Rectangle {
        width: Theme.s1 - 2
        height: parent.height
        color: Theme.primary
    }
    ColumnLayout {
        id: texts
        x: Theme.s4
        width: root.width - x
        spacing: 0
        Label {
            kind: Label.Note
            text: root.label
            color: Theme.ink2
            Accessible.ignored: true
        }
        Label {
            kind: Label.Strong
            text: root.value
            Accessible.ignored: true
        }
    }
}
