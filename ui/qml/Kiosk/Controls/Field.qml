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
    property bool unlabelled: false // the label is told to a screen reader only
    property bool typedInside: false // the derived field shows what is typed itself
    property real valueSize: Theme.fsField

    // what a screen reader is told: the value as it stands there, masked where it is masked
    readonly property string text: root.value
    readonly property real halo: Theme.highContrast ? 6 : 8
    readonly property bool breaks: root.value !== "" && leastMetrics.height > 0 && leastMetrics.advanceWidth(root.value) > well.width - 3 * Theme.s4 - tail.width
    // beside a value that takes the width there is no room for it
    readonly property bool noteBelow: note !== "" && !locked && noteMetrics.height > 0 && valueMetrics.height > 0
                                      && noteMetrics.advanceWidth(note) + valueMetrics.advanceWidth("0") * Math.max(root.value.length, 13) + 4 * Theme.s4 > width
    readonly property bool wrong: error !== ""
    // in large type on a low screen or in low reach what is wrong stands where the label stood:
    // there is no room below the box, and it is never on another page than its box
    readonly property bool errorAbove: wrong && Theme.elder && (Theme.small || Theme.lowReach)
    readonly property alias box: well
    readonly property alias column: lines // may be parted by page buttons: label, box, error
    readonly property alias caretX: caret.x

    words: label
    description: wrong ? error : note
    available: !locked
    Accessible.role: Accessible.EditableText
    Layout.fillWidth: true
    implicitWidth: 400
    implicitHeight: lines.implicitHeight

    FontMetrics {
        id: noteMetrics
        font.family: Theme.family
        font.pixelSize: Theme.fsNote
        font.weight: Font.Bold
    }
    FontMetrics {
        id: leastMetrics
        font.family: Theme.family
        font.pixelSize: Theme.fsNote
        font.weight: Font.Bold
    }
    FontMetrics {
        id: valueMetrics
        font.family: Theme.family
        font.pixelSize: root.valueSize
        font.weight: Font.Bold
    }
    ColumnLayout {
        id: lines
        width: root.width
        spacing: Theme.s1

        // one piece: a label alone at the foot of a page would belong to nothing
        Item {
            Layout.fillWidth: true
            implicitHeight: asked.implicitHeight

            ColumnLayout {
                id: asked
                width: parent.width
                spacing: Theme.s1

                GridLayout {
                    Layout.fillWidth: true
                    columnSpacing: Theme.s3
                    rowSpacing: 0
                    visible: root.label !== "" && !root.unlabelled && !root.errorAbove
                    // below each other where they would not fit side by side
                    columns: named.implicitWidth + aside.implicitWidth + Theme.s3 > root.width ? 1 : 2
                    Label {
                        id: named
                        text: root.label
                        bold: true
                        Accessible.ignored: true
                    }
                    Label {
                        id: aside
                        // below the label it would push its own box off a low screen
                        visible: text !== "" && !(Theme.landscape && Theme.elder && implicitWidth + named.implicitWidth > root.width)
                        text: root.aside
                        kind: Label.Note
                        color: Theme.ink2
                        Layout.fillWidth: false
                        Accessible.ignored: true
                    }
                }
                Label {
                    visible: root.errorAbove
                    kind: Label.Note
                    bold: true
                    text: root.error
                    color: Theme.trouble
                }
                Item {
                    id: well
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
                        // and only a card's number in the largest type stands in two lines, between its groups
                        fontSizeMode: root.breaks ? Text.FixedSize : Text.HorizontalFit
                        minimumPixelSize: Theme.fsNote
                        wrapMode: root.breaks ? Text.WordWrap : Text.NoWrap
                        font.pixelSize: root.breaks ? Theme.fsNote : root.valueSize
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
                        visible: root.editing && !root.typedInside && !root.breaks
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
                            id: inside
                            visible: root.note !== "" && !root.wrong && !root.noteBelow
                            anchors.verticalCenter: parent.verticalCenter
                            wrapMode: Text.NoWrap
                            kind: Label.Note
                            bold: true
                            text: root.note
                            color: Theme.ink2
                            Accessible.ignored: true
                        }
                        Icon {
                            visible: root.wrong && !root.errorAbove || root.locked
                            anchors.verticalCenter: parent.verticalCenter
                            name: root.locked ? "lock" : "circle-alert"
                            color: root.locked ? Theme.ink : Theme.trouble
                        }
                    }
                }
            }
        }
        Label {
            visible: root.noteBelow && !root.wrong && !(Theme.sideTools && Theme.largest)
            kind: Label.Note
            bold: true
            text: root.note
            color: Theme.ink2
            Accessible.ignored: true
        }
        Label {
            visible: root.wrong && !root.errorAbove || (root.locked && root.lockedNote !== "")
            kind: Label.Note
            bold: root.wrong
            text: root.wrong ? root.error : root.lockedNote
            color: root.wrong ? Theme.trouble : Theme.ink2
        }
    }
}
