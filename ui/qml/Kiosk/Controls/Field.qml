import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// A value to be filled in. One is lit at a time; an error is a sentence under its own field.
Pressable {
    id: root

    property string label: ""
    property string value: ""
    property string hint: ""
    property string note: ""
    property string aside: ""
    property string error: ""
    property string lockedNote: ""
    property bool editing: false
    property bool locked: false
    property bool typedInside: false // the derived field shows what is typed itself
    property real valueSize: Theme.fsField

    // what a screen reader is told: the value as it stands there, masked where it is masked
    readonly property string text: root.value
    readonly property real halo: Theme.highContrast ? 6 : 8
    readonly property bool wrong: error !== ""
    readonly property alias box: box
    readonly property alias caretX: caret.x

    words: label
    description: wrong ? error : note
    available: !locked
    Accessible.role: Accessible.EditableText
    Layout.fillWidth: true
    implicitWidth: 400
    implicitHeight: column.implicitHeight

    ColumnLayout {
        id: column
        width: root.width
        spacing: Theme.s1

        RowLayout {
            Layout.fillWidth: true
            spacing: Theme.s3
            visible: root.label !== ""
            Label {
                text: root.label
                bold: true
                Accessible.ignored: true
            }
            Label {
                visible: text !== ""
                text: root.aside
                kind: Label.Note
                color: Theme.ink2
                Layout.fillWidth: false
                Accessible.ignored: true
            }
        }
        Item {
            id: box
            Layout.fillWidth: true
            implicitHeight: Math.max(Theme.hControl + (Theme.landscape ? 0 : Theme.s2), value.implicitHeight + Theme.s2)

            Rectangle {
                visible: root.editing
                anchors.fill: parent
                anchors.margins: -root.halo
                radius: Theme.rS + root.halo
                color: Theme.now
            }
            Rectangle {
                anchors.fill: parent
                radius: Theme.rS
                color: root.locked ? Theme.page : root.down ? Theme.primaryTint : Theme.surface
                border.width: root.editing ? Theme.stroke + 3 : root.wrong ? Theme.stroke + 1
                              : root.locked ? 1 : Theme.stroke
                border.color: root.editing ? Theme.nowLine : root.wrong ? Theme.trouble
                              : root.locked ? Theme.line : Theme.edge
            }
            Label {
                id: value
                visible: root.value !== "" && !(root.typedInside && root.editing)
                anchors.left: parent.left
                anchors.leftMargin: Theme.s4
                anchors.verticalCenter: parent.verticalCenter
                width: Math.min(implicitWidth, parent.width - 2 * Theme.s4 - Theme.s4 - tail.width)
                kind: Label.Field
                bold: !root.locked
                // a value never breaks: a long one is set smaller
                fontSizeMode: Text.HorizontalFit
                minimumPixelSize: Theme.fsNote
                wrapMode: Text.NoWrap
                font.pixelSize: root.valueSize
                text: root.value
                Accessible.ignored: true
            }
            Label {
                visible: root.value === "" && !root.editing
                anchors.left: parent.left
                anchors.leftMargin: Theme.s4
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width - 2 * Theme.s4 - tail.width
                text: root.hint
                color: Theme.ink2
                Accessible.ignored: true
            }
            Rectangle {
                id: caret
                objectName: "caret"
                visible: root.editing && !root.typedInside
                x: Theme.s4 + (root.value === "" ? 0 : value.paintedWidth + Theme.s1)
                anchors.verticalCenter: parent.verticalCenter
                width: 6
                height: root.valueSize * 1.15
                color: Theme.nowLine
            }
            Row {
                id: tail
                anchors.right: parent.right
                anchors.rightMargin: Theme.s4
                anchors.verticalCenter: parent.verticalCenter
                spacing: Theme.s2
                Label {
                    visible: root.note !== "" && !root.wrong
                    anchors.verticalCenter: parent.verticalCenter
                    wrapMode: Text.NoWrap
                    kind: Label.Note
                    bold: true
                    text: root.note
                    color: Theme.ink2
                    Accessible.ignored: true
                }
                Icon {
                    visible: root.wrong || root.locked
                    anchors.verticalCenter: parent.verticalCenter
                    name: root.locked ? "lock" : "circle-alert"
                    color: root.locked ? Theme.ink : Theme.trouble
                }
            }
        }
        Label {
            visible: root.wrong || (root.locked && root.lockedNote !== "")
            kind: Label.Note
            bold: root.wrong
            text: root.wrong ? root.error : root.lockedNote
            color: root.wrong ? Theme.trouble : Theme.ink2
        }
    }
}
