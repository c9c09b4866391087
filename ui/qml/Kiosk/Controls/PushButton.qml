import QtQuick
import Kiosk.Theme

// Main: the one next step, bottom right. Secondary: everything else. Inline: beside what it changes.
Pressable {
    id: root

    enum Kind { Main, Secondary, Inline }

    property int kind: PushButton.Secondary
    property string icon: ""
    property bool iconAfter: kind === PushButton.Main
    property bool busy: false
    property string busyWords: ""
    property string reason: ""
    property bool chosen: false
    property bool stacked: false // icon above the words
    property real fontSize: kind === PushButton.Inline ? Theme.fsBody : Theme.fsStrong
    property real padding: kind === PushButton.Inline ? Theme.s3 : Theme.s4
    property bool wordless: false // only the icon is drawn, the words are told to a screen reader
    property bool dense: false // lines close together, where there are two of them in a low button
    property bool quiet: false // thin outline, for keys

    readonly property bool off: !available && !busy
    readonly property string shownWords: busy && busyWords !== "" ? busyWords
                                         : off && reason !== "" ? reason : words
    readonly property string shownIcon: busy ? "hourglass" : off && reason !== "" ? "" : icon
    readonly property bool filled: kind === PushButton.Main || chosen
    readonly property color inkColor: off ? Theme.inkOff
                                      : busy ? Theme.primaryInk
                                      : filled ? Theme.primaryInk : Theme.ink
    readonly property real iconSize: stacked ? Theme.icon * 0.85
                                     : kind === PushButton.Inline ? Theme.icon * 0.85 : Theme.icon
    readonly property real iconRoom: shownIcon === "" ? 0 : iconSize + (wordless ? 0 : dense ? Theme.s1 : Theme.s2)
    
    // a long word is set smaller rather than broken
    readonly property real wordRoom: width - 2 * Math.min(padding, Theme.s1) - (stacked ? 0 : iconRoom)
    readonly property real textWidth: wordless ? 0 : wordsWidth
    readonly property real wordsWidth: metrics.height > 0 ? Math.ceil(metrics.advanceWidth(shownWords)) + 1 : 0
    readonly property real wordedWidth: wordsWidth + iconSize + Theme.s2 + 2 * padding // drawn with its words
    readonly property real longestWord: measure(shownWords)
    readonly property real fitting: longestWord > wordRoom && wordRoom > 0 ? Math.max(32 / fontSize, wordRoom / longestWord) : 1

    function measure(text: string): real {
        let longest = 0;
        if (metrics.height > 0)
            for (const word of text.split(/[^\u0021-\u024F]+/))
                longest = Math.max(longest, metrics.advanceWidth(word));
        return longest;
    }

    FontMetrics {
        id: metrics
        font.family: Theme.family
        font.pixelSize: root.fontSize
        font.weight: Font.Bold
    }

    Accessible.name: shownWords
    implicitWidth: stacked ? Math.max(textWidth, iconSize) + 2 * padding
                           : textWidth + iconRoom + 2 * padding
    implicitHeight: Math.max(kind === PushButton.Main ? Theme.hMain
                             : kind === PushButton.Inline ? Theme.hMin : Theme.hControl,
                             (stacked ? iconRoom : 0) + caption.height + Theme.s1 + Theme.ledge)

    Ledge {
        anchors.fill: parent
        visible: !root.off
        sunk: root.busy ? 1 : root.sunk
        radius: root.kind === PushButton.Inline ? Theme.rS : Theme.rM
        face: root.filled ? Theme.primary : Theme.surface
        facePressed: root.filled ? Theme.primaryPress : Theme.primaryTint
        edge: root.filled ? Theme.primaryPress : Theme.edge
        outline: root.filled ? Theme.primary : Theme.edge
        outlinePressed: root.filled ? Theme.primaryPress : Theme.primary
        line: root.quiet || root.kind === PushButton.Inline ? Theme.thin : Theme.stroke
    }
    DashedOutline {
        anchors.fill: parent
        anchors.bottomMargin: Theme.ledge
        visible: root.off
        line: Theme.stroke
    }
    Item {
        id: face
        y: root.off ? 0 : (root.busy ? 1 : root.sunk) * Theme.ledge
        width: root.width
        height: root.height - Theme.ledge

        readonly property real blockWidth: root.stacked ? caption.width : caption.width + root.iconRoom
        readonly property real blockHeight: root.stacked
                                            ? glyph.visible ? root.iconSize + caption.height : caption.height
                                            : caption.height

        Icon {
            id: glyph
            visible: root.shownIcon !== ""
            name: root.shownIcon
            size: root.iconSize
            color: root.inkColor
            x: root.stacked ? (face.width - width) / 2
               : root.iconAfter && !root.busy ? (face.width + face.blockWidth) / 2 - width
                                              : (face.width - face.blockWidth) / 2
            y: root.stacked ? (face.height - face.blockHeight) / 2 : (face.height - height) / 2
        }
        Label {
            id: caption
            text: root.wordless ? "" : root.shownWords
            visible: !root.wordless
            lineHeight: root.dense ? 0.78 : Theme.elder ? 1.01 : 1
            bold: true
            font.pixelSize: root.fontSize * root.fitting
            wrapMode: Text.WordWrap
            color: root.inkColor
            width: Math.min(implicitWidth, root.width - 2 * Math.min(root.padding, Theme.s1)
                                           - (root.stacked ? 0 : root.iconRoom))
            horizontalAlignment: Text.AlignHCenter
            x: root.stacked ? (face.width - width) / 2
               : (face.width - face.blockWidth) / 2
                 + (root.iconAfter && !root.busy ? 0 : root.iconRoom)
            y: root.stacked ? (face.height + face.blockHeight) / 2 - height
                            : (face.height - height) / 2 - font.pixelSize * 0.04
            Accessible.ignored: true
        }
    }
}
