import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// Label left, value right. A personal value is masked unless revealed.
GridLayout {
    id: root

    property string label: ""
    property string masked: ""
    property string full: ""
    property bool revealed: false
    property bool big: false
    property bool line: false // separator above
    property string note: ""
    property real labelWidth: Theme.bySize(240, 300, 340)

    Layout.fillWidth: true
    columns: Theme.largest && !Theme.landscape ? 1 : 2
    columnSpacing: Theme.s3
    rowSpacing: 0

    Rectangle {
        visible: root.line
        Layout.columnSpan: root.columns
        Layout.fillWidth: true
        Layout.bottomMargin: Theme.s2
        Layout.topMargin: Theme.s1
        implicitHeight: 2
        color: Theme.line
    }
    Label {
        Layout.fillWidth: root.columns === 1
        Layout.preferredWidth: root.labelWidth
        Layout.alignment: Qt.AlignTop
        text: root.label
        color: Theme.ink2
    }
    ColumnLayout {
        Layout.fillWidth: true
        spacing: 0
        MaskedLabel {
            kind: root.big ? Label.Section : Label.Body
            bold: true
            shown: root.revealed && root.full !== "" ? root.full : root.masked
        }
        Label {
            visible: text !== ""
            kind: Label.Note
            text: root.note
            color: Theme.ink2
        }
    }
}
