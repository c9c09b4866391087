import QtQuick
import Kiosk.Theme

// A state: icon + word + outline; never colour alone. Only to be read.
Item {
    id: root

    enum Kind { Done, Attention, Trouble, Unknown }

    property int kind: StatusLabel.Done
    property string words: ""
    property string icon: ""
    readonly property var kinds: [
        { "icon": "check", "line": Theme.primary, "fill": Theme.primaryTint, "ink": Theme.primary },
        { "icon": "clock", "line": Theme.nowLine, "fill": Theme.nowTint, "ink": Theme.ink },
        { "icon": "circle-x", "line": Theme.trouble, "fill": Theme.troubleTint, "ink": Theme.trouble },
        { "icon": "circle-dashed", "line": Theme.edge, "fill": "transparent", "ink": Theme.inkOff }
    ]
    readonly property var look: kinds[kind]

    implicitWidth: label.implicitWidth + Theme.fsNote * 1.15 + Theme.s1 + 2 * Theme.s2
    implicitHeight: label.implicitHeight + 4
    Accessible.role: Accessible.StaticText
    Accessible.name: words

    Rectangle {
        visible: root.kind !== StatusLabel.Unknown
        anchors.fill: parent
        radius: height / 2
        color: root.look.fill
        border.width: 2
        border.color: root.look.line
    }
    DashedOutline {
        visible: root.kind === StatusLabel.Unknown
        anchors.fill: parent
        radius: height / 2
        line: 2
    }
    Icon {
        id: glyph
        x: Theme.s2
        anchors.verticalCenter: parent.verticalCenter
        name: root.icon !== "" ? root.icon : root.look.icon
        size: Theme.fsNote * 1.15
        color: root.look.ink
    }
    Label {
        id: label
        anchors.left: glyph.right
        anchors.leftMargin: Theme.s1
        anchors.verticalCenter: parent.verticalCenter
        width: root.width - x - Theme.s2
        wrapMode: Text.NoWrap
        kind: Label.Note
        bold: true
        text: root.words
        color: root.look.ink
        Accessible.ignored: true
    }
}
