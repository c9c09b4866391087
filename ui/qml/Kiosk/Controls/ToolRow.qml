pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Texts
import Kiosk.Theme

// Seven tools, always in the same order at the same place: below the page, or beside it where a
// low screen needs its height for the page.
Rectangle {
    id: root

    property bool voiceOn: false
    property bool elderOn: false
    property bool lowReachOn: false
    property bool voiceAvailable: true

    signal home
    signal language
    signal textSizes
    signal voice
    signal elder
    signal lowReach
    signal help

    readonly property real room: width - 2 * Theme.margin - 6 * spacing
    readonly property real spacing: Theme.elder && !Theme.landscape ? Theme.s1 : Theme.s2 - 4
    readonly property list<string> names: [homeTool.words, languageTool.words, sizeTool.words, voiceTool.words,
        elderTool.words, reachTool.words, helpTool.words]
    readonly property real wantedTotal: names.reduce((sum, name) => sum + widthFor(name), 0)
    // all the same where that fits, else each as wide as its word needs
    readonly property bool equal: names.every(name => widthFor(name) <= room / 7)
    readonly property real besides: oneLine ? Theme.icon * 0.85 + 2 * Theme.s2 : Theme.s1

    // icon and word beside each other where the words leave room for it
    readonly property bool oneLine: !Theme.sideTools && Theme.landscape && names.every(name => metrics.height > 0 && metrics.advanceWidth(name) + Theme.icon * 0.85 + 2 * Theme.s2 <= room / 7)

    function widthFor(name: string): real {
        // named, so that it is measured again with another font
        return metrics.height > 0 ? metrics.advanceWidth(name) + besides : 0;
    }

    FontMetrics {
        id: metrics
        font.family: Theme.family
        font.pixelSize: Theme.fsTool
        font.weight: Font.Bold
    }

    implicitHeight: Theme.hTools
    color: Theme.sunken
    Accessible.role: Accessible.ToolBar

    component Tool: PushButton {
        id: tool
        width: Theme.sideTools ? root.width - 2 * Theme.s2 : root.equal ? root.room / 7 : root.widthFor(words) + (root.room - root.wantedTotal) / 7
        height: Theme.sideTools ? (root.height - 2 * Theme.s2 - 6 * Theme.s1) / 7 : root.height - 2 * Theme.s2
        quiet: true
        dense: Theme.sideTools
        stacked: !root.oneLine && !Theme.sideTools
        iconAfter: false
        padding: 4
        fontSize: !Theme.sideTools && root.wantedTotal > root.room ? Theme.fsTool * Math.max(0.72, root.room / root.wantedTotal) : Theme.fsTool
    }

    Rectangle {
        width: Theme.sideTools ? 2 : parent.width
        height: Theme.sideTools ? parent.height : 2
        color: Theme.line
    }
    Grid {
        x: Theme.sideTools ? Theme.s2 : Theme.margin
        y: Theme.s2 + (Theme.sideTools ? 0 : 2)
        columns: Theme.sideTools ? 1 : 7
        spacing: Theme.sideTools ? Theme.s1 : root.spacing

        Tool {
            id: homeTool
            icon: "house"
            words: Texts.words.frame.home
            onActivated: root.home()
        }
        Tool {
            id: languageTool
            icon: "languages"
            words: Texts.words.frame.language
            onActivated: root.language()
        }
        Tool {
            id: sizeTool
            icon: "a-large-small"
            words: Texts.words.frame.text_size
            onActivated: root.textSizes()
        }
        Tool {
            id: voiceTool
            icon: "volume-2"
            words: Texts.words.frame.voice
            chosen: root.voiceOn
            checkable: true
            checked: root.voiceOn
            available: root.voiceAvailable
            onActivated: root.voice()
        }
        Tool {
            id: elderTool
            icon: "person-standing"
            words: root.elderOn ? Texts.words.frame.elder_off : Texts.words.frame.elder
            onActivated: root.elder()
        }
        Tool {
            id: reachTool
            icon: "arrow-down-to-line"
            words: Texts.words.frame.low_reach
            chosen: root.lowReachOn
            checkable: true
            checked: root.lowReachOn
            onActivated: root.lowReach()
        }
        Tool {
            id: helpTool
            icon: "circle-question-mark"
            words: Texts.words.frame.help
            onActivated: root.help()
        }
    }
}
