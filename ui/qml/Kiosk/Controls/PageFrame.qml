import QtQuick
import QtQuick.Layouts
import Kiosk.Texts
import Kiosk.Theme

// One page: title, lead, blocks, dock, actions. Blocks that do not fit are turned by page
// buttons, so nothing is cut off at any size, in any language, on any screen.
//
//   portrait            landscape with a dock        low reach
//   title               title      | dock            (empty)
//   lead                lead       |                 ---- half ----
//   blocks              blocks     |                 title, blocks, dock
//   dock                actions    | actions         actions
//   actions
FocusScope {
    id: root

    property string title: ""
    property string lead: ""
    property real spacing: Theme.gap
    property PushButton back: null
    property PushButton middle: null
    property PushButton main: null
    property Item headSide: null // at the right of the title, e.g. 听一遍
    default property alias content: blocks.data
    property alias dock: dockSlot.data
    property real dockShare: 0.46 // of the width, in landscape

    readonly property bool hasDock: dockSlot.visibleChildren.length > 0
    readonly property bool aside: Theme.landscape && hasDock
    readonly property bool hasActions: back !== null || middle !== null || main !== null
    readonly property real reachLine: Theme.lowReach ? Math.max(0, Theme.sceneHeight / 2 - sceneTop) : 0
    property real sceneTop: 0 // where this page begins in the scene, told by the window

    // -- turning pages ----------------------------------------------------------
    readonly property real fullHeight: body.height
    readonly property real wanted: blocks.implicitHeight
    readonly property bool turns: wanted > fullHeight + 1
    readonly property real viewHeight: turns ? Math.max(80, fullHeight - turner.implicitHeight - Theme.s2) : fullHeight
    property list<real> starts: [0]
    readonly property int pages: starts.length
    property int page: 0

    onViewHeightChanged: paging.restart()
    onWantedChanged: paging.restart()
    onTurnsChanged: paging.restart()

    // Pieces that are not parted: blocks, or what is in a block that says it `splits`.
    function pieces(item: Item, into: var) {
        for (const child of item.children) {
            if (!child.visible || child.height <= 0)
                continue;
            if (child.splits === true || child.column !== undefined)
                pieces(child.column !== undefined ? child.column : child, into);
            else
                into.push({
                    "top": child.mapToItem(blocks, 0, 0).y,
                    "bottom": child.mapToItem(blocks, 0, child.height).y,
                    "step": child.lineStep !== undefined ? child.lineStep : 0
                });
        }
    }
    function repage() {
        const cuts = [0];
        if (turns) {
            const all = [];
            pieces(blocks, all);
            let from = 0;
            for (let guard = 0; guard < 40; guard++) {
                const end = from + viewHeight;
                if (end >= wanted - 1)
                    break;
                let next = end;
                for (const piece of all) {
                    if (piece.top < end && piece.bottom > end) {
                        if (piece.top > from + 1)
                            next = Math.min(next, piece.top);
                        else if (piece.step > 0)
                            next = Math.min(next, piece.top + Math.floor((end - piece.top) / piece.step) * piece.step);
                    }
                }
                // begin the next page at a piece, not in the room between two
                let begin = 1e9;
                for (const piece of all)
                    if (piece.bottom > next + 1)
                        begin = Math.min(begin, Math.max(piece.top, next));
                if (begin >= wanted || begin <= from + 8)
                    begin = end;
                cuts.push(begin);
                from = begin;
            }
        }
        starts = cuts;
        if (page >= cuts.length)
            page = cuts.length - 1;
    }

    Timer {
        id: paging
        interval: 0
        onTriggered: root.repage()
    }
    Component.onCompleted: paging.restart()

    Accessible.role: Accessible.Pane
    Accessible.name: title

    // -- head ----------------------------------------------------------------------
    // In low reach the head goes down too where there is room for it.
    readonly property real lowRoom: height - reachLine - actions.height
                                    - (aside ? 0 : dockSlot.height) - head.implicitHeight
    readonly property bool headLow: Theme.lowReach && !Theme.landscape && lowRoom > 330

    ColumnLayout {
        id: head
        x: Theme.margin
        y: root.headLow ? root.reachLine : 0
        width: (root.aside ? root.width * (1 - root.dockShare) - Theme.s5 : root.width - Theme.margin) - Theme.margin
        spacing: 0

        Item {
            implicitHeight: Theme.landscape ? Theme.s1 : Theme.s2
        }
        RowLayout {
            visible: root.title !== ""
            spacing: Theme.gap
            Label {
                id: titleLabel
                kind: Label.Title
                text: root.title
                Accessible.role: Accessible.Heading
            }
            LayoutItemProxy {
                visible: root.headSide !== null
                target: root.headSide
            }
        }
        Label {
            visible: text !== ""
            text: root.lead
            color: Theme.ink2
        }
        Item {
            implicitHeight: Theme.landscape ? Theme.s2 : Theme.s3
        }
    }

    // -- blocks -----------------------------------------------------------------------
    Item {
        id: body
        readonly property real top: Math.max(head.y + head.height, root.reachLine)
        x: 0
        y: top
        width: root.aside ? root.width * (1 - root.dockShare) : root.width
        height: Math.max(0, (root.aside ? actions.y : dockSlot.y) - y)

        Item {
            // no piece of the next page shows at the lower edge
            readonly property real start: root.starts[Math.min(root.page, root.pages - 1)]
            readonly property real end: root.page + 1 < root.pages ? root.starts[root.page + 1] - 2 : start + height + 1000
            id: view
            width: parent.width
            height: root.turns ? Math.min(root.viewHeight, end - start) : root.viewHeight
            clip: root.turns

            ColumnLayout {
                id: blocks
                x: Theme.margin
                y: -view.start
                width: head.width
                height: root.turns ? implicitHeight : view.height
                spacing: root.spacing
            }
        }
        RowLayout {
            id: turner
            visible: root.turns
            anchors.bottom: parent.bottom
            anchors.bottomMargin: root.aside || !root.hasDock ? 0 : Theme.s2
            x: Theme.margin
            width: head.width
            spacing: Theme.gap

            PushButton {
                kind: PushButton.Inline
                Layout.preferredHeight: Math.max(Theme.hMin, implicitHeight)
                available: root.page > 0
                icon: "chevron-up"
                words: Texts.words.common.previous_page
                onActivated: root.page -= 1
            }
            Label {
                horizontalAlignment: Text.AlignHCenter
                kind: Label.Note
                bold: true
                wrapMode: Text.NoWrap
                text: (root.page + 1) + " / " + root.pages
            }
            PushButton {
                kind: PushButton.Inline
                Layout.preferredHeight: Math.max(Theme.hMin, implicitHeight)
                available: root.page + 1 < root.pages
                icon: "chevron-down"
                iconAfter: true
                words: Texts.words.common.next_page
                onActivated: root.page += 1
            }
        }
    }

    // -- dock -------------------------------------------------------------------------------
    ColumnLayout {
        id: dockSlot
        x: root.aside ? root.width * (1 - root.dockShare) : 0
        y: root.aside ? Math.max(Theme.s2, root.reachLine) : actions.y - height
        width: root.aside ? root.width * root.dockShare - Theme.margin : root.width
        height: root.hasDock ? (root.aside ? actions.y - y : Math.min(implicitHeight, actions.y - root.reachLine)) : 0
        visible: true
        spacing: Theme.gap
    }

    // -- actions ------------------------------------------------------------------------------
    Item {
        id: actions
        readonly property real room: width - 2 * Theme.margin
        readonly property real tallest: Math.max(root.main ? root.main.implicitHeight : 0,
                                                 root.back ? root.back.implicitHeight : 0,
                                                 root.middle ? root.middle.implicitHeight : 0)
        readonly property real wantMain: root.main ? Math.max(root.main.implicitWidth, Theme.landscape ? 400 : 480) : 0
        readonly property real wantBack: root.back ? Math.max(root.back.implicitWidth, 260) : 0
        readonly property real wantMiddle: root.middle ? Math.max(root.middle.implicitWidth, 220) : 0
        readonly property int count: (root.main ? 1 : 0) + (root.back ? 1 : 0) + (root.middle ? 1 : 0)
        readonly property real total: wantMain + wantBack + wantMiddle + Math.max(0, count - 1) * Theme.gap
        // where the words are long each gives up in proportion and wraps
        readonly property real shrink: total > room ? (room - (count - 1) * Theme.gap) / (total - (count - 1) * Theme.gap) : 1

        y: root.height - height
        width: root.width
        height: root.hasActions ? Math.max(Theme.hActions, tallest + 2 * Theme.s3) : Theme.s3

        Binding {
            target: root.back
            when: root.back !== null
            property: "parent"
            value: actions
        }
        Binding {
            target: root.back
            when: root.back !== null
            property: "x"
            value: Theme.margin
        }
        Binding {
            target: root.back
            when: root.back !== null
            property: "y"
            value: (actions.height - Math.max(Theme.hMain, actions.tallest)) / 2
        }
        Binding {
            target: root.back
            when: root.back !== null
            property: "width"
            value: actions.wantBack * actions.shrink
        }
        Binding {
            target: root.back
            when: root.back !== null
            property: "height"
            value: Math.max(Theme.hMain, actions.tallest)
        }
        Binding {
            target: root.main
            when: root.main !== null
            property: "parent"
            value: actions
        }
        Binding {
            target: root.main
            when: root.main !== null
            property: "x"
            value: actions.width - Theme.margin - actions.wantMain * actions.shrink
        }
        Binding {
            target: root.main
            when: root.main !== null
            property: "y"
            value: (actions.height - Math.max(Theme.hMain, actions.tallest)) / 2
        }
        Binding {
            target: root.main
            when: root.main !== null
            property: "width"
            value: actions.wantMain * actions.shrink
        }
        Binding {
            target: root.main
            when: root.main !== null
            property: "height"
            value: Math.max(Theme.hMain, actions.tallest)
        }
        Binding {
            target: root.middle
            when: root.middle !== null
            property: "parent"
            value: actions
        }
        Binding {
            target: root.middle
            when: root.middle !== null
            property: "x"
            value: root.main ? actions.width - Theme.margin - actions.wantMain * actions.shrink - Theme.gap - actions.wantMiddle * actions.shrink
                             : actions.width - Theme.margin - actions.wantMiddle * actions.shrink
        }
        Binding {
            target: root.middle
            when: root.middle !== null
            property: "y"
            value: (actions.height - Math.max(Theme.hMain, actions.tallest)) / 2
        }
        Binding {
            target: root.middle
            when: root.middle !== null
            property: "width"
            value: actions.wantMiddle * actions.shrink
        }
        Binding {
            target: root.middle
            when: root.middle !== null
            property: "height"
            value: Math.max(Theme.hMain, actions.tallest)
        }
    }
}
