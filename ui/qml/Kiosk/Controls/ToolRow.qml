import QtQuick
import Kiosk.Texts
import Kiosk.Theme

// Seven tools, always in the same order at the same place.
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

    readonly property list<PushButton> buttons: [homeTool, languageTool, sizeTool, voiceTool, elderTool, reachTool, helpTool]
    readonly property real room: width - 2 * Theme.margin - 6 * spacing
    readonly property real spacing: Theme.elder && !Theme.landscape ? Theme.s1 : Theme.s2 - 4
    readonly property real wantedTotal: {
        let total = 0;
        for (const button of buttons)
            total += button.wanted;
        return total;
    }
    // all the same where that fits, else each as wide as its word needs
    readonly property bool equal: {
        for (const button of buttons)
            if ((button as Tool).wanted > room / 7)
                return false;
        return true;
    }

    function widthOf(tool: Tool): real {
        return equal ? room / 7 : tool.wanted + (room - wantedTotal) / 7;
    }

    implicitHeight: Theme.hTools
    color: Theme.sunken
    Accessible.role: Accessible.ToolBar
    Accessible.name: Texts.words.tools.row

    component Tool: PushButton {
        id: tool
        readonly property real wanted: Theme.landscape ? tool.label.implicitWidth + tool.iconRoom + Theme.s2
                                                       : tool.label.implicitWidth + Theme.s1
        width: root.widthOf(tool)
        height: root.height - 2 * Theme.s2
        quiet: true
        stacked: !Theme.landscape
        iconAfter: false
        padding: 4
        fontSize: root.wantedTotal > root.room ? Theme.fsTool * Math.max(0.72, root.room / root.wantedTotal) : Theme.fsTool
    }

    Rectangle {
        width: parent.width
        height: 2
        color: Theme.line
    }
    Row {
        x: Theme.margin
        y: Theme.s2 + 2
        spacing: root.spacing

        Tool {
            id: homeTool
            icon: "house"
            words: Texts.words.tools.home
            onActivated: root.home()
        }
        Tool {
            id: languageTool
            icon: "languages"
            words: Texts.words.tools.language
            onActivated: root.language()
        }
        Tool {
            id: sizeTool
            icon: "a-large-small"
            words: Texts.words.tools.text_size
            onActivated: root.textSizes()
        }
        Tool {
            id: voiceTool
            icon: "volume-2"
            words: Texts.words.tools.voice
            chosen: root.voiceOn
            checkable: true
            checked: root.voiceOn
            available: root.voiceAvailable
            onActivated: root.voice()
        }
        Tool {
            id: elderTool
            icon: "person-standing"
            words: root.elderOn ? Texts.words.tools.normal : Texts.words.tools.elder
            onActivated: root.elder()
        }
        Tool {
            id: reachTool
            icon: "arrow-down-to-line"
            words: Texts.words.tools.low_reach
            chosen: root.lowReachOn
            checkable: true
            checked: root.lowReachOn
            onActivated: root.lowReach()
        }
        Tool {
            id: helpTool
            icon: "circle-help"
            words: Texts.words.tools.help
            onActivated: root.help()
        }
    }
}
