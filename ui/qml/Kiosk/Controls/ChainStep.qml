import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// One of the states an application goes through: done, now, later. Never claimed before true.
Item {
    id: root

    enum Stage { Done, Current, Later }

    property int stage: ChainStep.Later
    property string words: ""
    property string detail: ""
    property string icon: "hourglass"
    property bool last: false
    readonly property real dot: Theme.bySize(64, 80, 88)

    Layout.fillWidth: true
    implicitWidth: 400
    implicitHeight: Math.max(dot, texts.implicitHeight) + (last ? 0 : Theme.s3)
    Accessible.role: Accessible.ListItem
    Accessible.name: words
    Accessible.description: detail

    Rectangle {
        visible: !root.last
        x: root.dot / 2 - 3
        y: root.dot
        width: 6
        height: root.height - root.dot
        color: root.stage === ChainStep.Done ? Theme.primary : Theme.line
    }
    Rectangle {
        visible: root.stage !== ChainStep.Later
        width: root.dot
        height: root.dot
        radius: root.dot / 2
        color: root.stage === ChainStep.Done ? Theme.primary : Theme.surface
        border.width: Theme.stroke + 2
        border.color: Theme.primary
    }
    DashedOutline {
        visible: root.stage === ChainStep.Later
        width: root.dot
        height: root.dot
        radius: root.dot / 2
        line: Theme.stroke
    }
    Icon {
        visible: root.stage !== ChainStep.Later
        x: (root.dot - width) / 2
        y: (root.dot - height) / 2
        size: root.dot * 0.6
        name: root.stage === ChainStep.Done ? "check" : root.icon
        color: root.stage === ChainStep.Done ? Theme.primaryInk : Theme.primary
    }
    ColumnLayout {
        id: texts
        x: root.dot + Theme.s3
        width: root.width - x
        spacing: 0
        Label {
            kind: Label.Strong
            text: root.words
            Accessible.ignored: true
        }
        Label {
            visible: text !== ""
            kind: Label.Note
            text: root.detail
            color: Theme.ink2
            Accessible.ignored: true
        }
    }
}
