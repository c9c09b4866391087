pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Theme

// Where in the item one is: done = tick, current = filled. At most six, two characters each.
// Where the names do not fit side by side, only the current one is written, as a sentence.
Item {
    id: root

    property string itemName: ""
    property list<string> names: []
    property int current: 0
    property string sentence: "" // step 2 of 6: form

    readonly property real dot: Theme.elder ? 60 : 48
    readonly property real trackX: Theme.landscape ? itemLabel.width + Theme.s5 : 0
    readonly property real cell: (width - trackX) / Math.max(1, names.length)
    readonly property bool named: widest.implicitWidth <= cell - Theme.s1

    // the largest text leaves no room for the dots: one line
    readonly property bool brief: Theme.largest || (Theme.landscape && Theme.elder)

    implicitHeight: brief ? itemLabel.implicitHeight + Theme.s1 : Theme.landscape
                    ? Theme.s1 + dot + (named ? widest.implicitHeight : sentenceLabel.implicitHeight)
                    : Theme.s3 + itemLabel.implicitHeight + Theme.s1 + dot + widest.implicitHeight
    Accessible.role: Accessible.Grouping
    Accessible.name: sentence

    // the longest name, measured
    Column {
        visible: false
        Label {
            id: widest
            wrapMode: Text.NoWrap
            bold: true
            font.pixelSize: Theme.fsBar
            text: root.names.reduce((a, b) => b.length > a.length ? b : a, "")
        }
    }
    Label {
        id: itemLabel
        y: Theme.landscape ? Theme.s1 : Theme.s3
        width: Theme.landscape && !root.brief ? Math.min(implicitWidth, root.width * 0.3) : root.width
        bold: true
        font.pixelSize: Theme.fsBar * 1.12
        text: root.brief ? root.itemName + "  " + root.sentence : root.itemName
        color: Theme.primary
    }
    Repeater {
        model: root.brief ? [] : root.names
        Item {
            id: step
            required property string modelData
            required property int index
            readonly property bool done: index < root.current
            readonly property bool now: index === root.current
            x: root.trackX + index * root.cell
            y: Theme.landscape ? Theme.s1 : itemLabel.y + itemLabel.height + Theme.s1
            width: root.cell
            height: root.dot
            Accessible.ignored: true

            Rectangle {
                visible: step.index > 0
                x: -parent.width / 2 + root.dot / 2
                y: root.dot / 2 - 2
                width: parent.width - root.dot
                height: 4
                color: step.done || step.now ? Theme.primary : Theme.line
            }
            Rectangle {
                visible: step.now
                anchors.centerIn: circle
                width: root.dot + 12
                height: width
                radius: width / 2
                color: Theme.primaryTint
            }
            Rectangle {
                id: circle
                x: (parent.width - width) / 2
                width: root.dot
                height: root.dot
                radius: root.dot / 2
                color: step.now ? Theme.primary : step.done ? Theme.primaryTint : Theme.page
                border.width: 3
                border.color: step.now || step.done ? Theme.primary : Theme.edge
            }
            Icon {
                visible: step.done
                anchors.centerIn: circle
                name: "check"
                size: root.dot * 0.66
                color: Theme.primary
            }
            Label {
                visible: !step.done
                anchors.centerIn: circle
                width: implicitWidth
                text: step.index + 1
                bold: true
                font.pixelSize: Math.max(32, root.dot * 0.62)
                color: step.now ? Theme.primaryInk : Theme.ink2
                Accessible.ignored: true
            }
            Label {
                visible: root.named
                y: root.dot + 4
                width: parent.width
                horizontalAlignment: Text.AlignHCenter
                wrapMode: Text.NoWrap
                text: step.modelData
                bold: step.now
                font.pixelSize: Theme.fsBar
                color: step.now ? Theme.ink : Theme.ink2
                Accessible.ignored: true
            }
        }
    }
    Label {
        id: sentenceLabel
        visible: !root.named && !root.brief
        x: root.trackX
        anchors.bottom: parent.bottom
        width: root.width - root.trackX
        bold: true
        font.pixelSize: Theme.fsBar
        text: root.sentence
    }
}
