pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Texts
import Kiosk.Theme

// One page: title, lead, blocks, dock, actions. Blocks that do not fit are turned by page
// buttons, so nothing is cut off at any size, in any language, on any screen.
//
//   portrait     landscape              low reach
//   title        title  | stage         title
//   lead         lead   | or dock       lead, stage
//   stage        blocks |               ---- half of the screen ----
//   blocks       ---------------        blocks
//   dock         actions                dock
//   actions                             actions
//
// A block with a `stageKind` takes the room that is left: "seen" (the machine, the live picture, a
// page) or "touched" (the signature box, which stays within reach). The dock is typed on.
// The order is made once: the window builds the page anew when low reach is switched.
FocusScope {
    id: root

    property string title: ""
    property bool untitled: false // its room is wanted for something more urgent
    property string lead: ""
    property bool leadLast: false // below the blocks: the first page is theirs
    property real spacing: Theme.gap
    property PushButton back: null
    property PushButton middle: null
    property PushButton main: null
    property bool readFirst: false // what is agreed to here: the main button turns the pages until the last was shown
    property Item headSide: null // at the right of the title, e.g. 听一遍
    default property alias content: blocks.data
    property alias dock: dockSlot.data
    property PinyinKeyboard keyboard: null
    readonly property bool typing: keyboard !== null && keyboard.visible
    readonly property real asideShare: !typing ? Theme.sideTools ? 0.44 : 0.46 : Theme.small ? 0.58 : 0.5 // in landscape

    readonly property bool aside: Theme.landscape && asideSlot.implicitWidth > 0
    readonly property bool stageHigh: !Theme.landscape && asideSlot.implicitWidth > 0
    readonly property bool hasDock: dockSlot.implicitHeight > 0
    property Keypad keypad: null
    // a keypad gets flatter where the fields need the room
    readonly property bool dockCompact: keypad === null ? false
                                        : Theme.landscape ? keypad.regularHeight > actions.y - asideSlot.y
                                        : Theme.lowReach || wanted > actions.y - upperLine - keypad.regularHeight
    readonly property real upperLine: head.y + head.height
    // less than this would show too little of the blocks at once
    // or would have to be turned too often: on a low screen rather a little above the reach line
    readonly property real leastView: Math.min(wanted, Math.max(Theme.bySize(300, 400, 460), Theme.small ? wanted / 4 : 0))
    readonly property bool hasActions: actions.count > 0
    readonly property real reachLine: Theme.lowReach ? Math.max(0, Theme.sceneHeight / 2 - sceneTop) : 0
    property real sceneTop: 0 // where this page begins in the scene, told by the window

    // -- turning pages ----------------------------------------------------------
    readonly property real fullHeight: body.height
    readonly property real wanted: Math.max(blocks.implicitHeight, secondColumn.implicitHeight)
    // also when only the shorter column grew, by a line that broke later
    readonly property real bothHeights: blocks.implicitHeight + secondColumn.implicitHeight
    readonly property real lineLength: blocks.width // what stands beside may come later
    // in landscape what does not fit one column stands in two
    property bool twoColumns: false
    property bool mayShare: !(Theme.small && Theme.elder) // there a half is too narrow
    readonly property bool turns: wanted > fullHeight + 1
    // a low screen has no height for two rows that are half empty
    readonly property bool turnerBesideMiddle: Theme.small && actions.twoRows && !hasDock
    readonly property bool turnerBetween: (Theme.small || Theme.landscape && Theme.elder) && !hasDock && hasActions && actions.roomBetween >= turner.leastWidth
    readonly property real viewHeight: !turns ? fullHeight
                                       : Math.max(Theme.fsBody * 1.5, fullHeight - (turnerBesideMiddle || turnerBetween ? 0 : turner.implicitHeight) - Theme.s2)
    property list<real> starts: [0]
    property list<real> secondStarts: [0]
    readonly property int pages: Math.max(starts.length, secondStarts.length)
    property int page: 0

    // -- what is agreed to is read first ------------------------------------------
    property bool readToTheEnd: false
    readonly property bool unread: readFirst && pages > 1 && !readToTheEnd
    readonly property PushButton shownMain: unread ? readOn : main
    // A second tap on the button that turned to the last page is not meant for what stands there then.
    Timer {
        id: atTheEnd
        interval: 500 // as the session drops what is pressed on a page that has just come
        onTriggered: root.readToTheEnd = root.pages > 1 && root.page + 1 >= root.pages
    }
    onPagesChanged: atTheEnd.restart()
    Binding {
        target: root.main
        when: root.unread
        property: "visible"
        value: false
    }

    // What a column shows, from the page itself: when the page has just changed, what is bound to it
    // may not have followed yet. A shorter column is empty at its end.
    function startOf(begins: list<real>): real {
        return page < begins.length ? begins[page] : 1e6;
    }
    function endOf(begins: list<real>): real {
        return page + 1 < begins.length ? begins[page + 1] - 2 : startOf(begins) + viewHeight;
    }

    onViewHeightChanged: paging.restart()
    onWantedChanged: paging.restart()
    onBothHeightsChanged: paging.restart()
    onLineLengthChanged: paging.restart()
    onTurnsChanged: paging.restart()

    // Pieces that are not parted: blocks, or what is in a block that says it `splits`.
    function pieces(item: Item, into: var) {
        for (const child of item.children) {
            if (!child.visible || child.height <= 0)
                continue;
            if (child.splits === true || (child.column !== undefined && child.height > viewHeight) || child instanceof ColumnLayout
                    || (child instanceof GridLayout && (child.columns === 1 || child.height > viewHeight))) {
                const first = into.length;
                pieces(child.column !== undefined ? child.column : child, into);
                if (child.column !== undefined && into.length > first) {
                    // its border goes with what is in it: alone it would be a page of nothing
                    for (const piece of into.slice(first)) {
                        if (piece.top === into[first].top)
                            piece.top = place(child);
                        if (piece.bottom === into[into.length - 1].bottom)
                            piece.bottom = place(child) + child.height;
                    }
                }
            } else
                into.push({
                    "item": child,
                    "top": place(child),
                    "bottom": place(child) + child.height
                });
        }
    }
    // not mapToItem: that goes through the scene, which may have no size yet
    function place(item: Item): real {
        let y = 0;
        for (let at = item; at !== null && at !== blocks && at !== secondColumn; at = at.parent)
            y += at.y;
        return y;
    }
    // Plain columns are taken apart; what is drawn around (a card, a list) stays whole.
    function loose(item: Item, into: var) {
        for (const child of item.children) {
            if (!child.visible || child instanceof Repeater)
                continue;
            if (child instanceof ColumnLayout || (child instanceof GridLayout && child.columns === 1))
                loose(child, into);
            else
                into.push(child);
        }
    }
    // The order stays: down the left column, then down the right one.
    function split() {
        twoColumns = true;
        blocks.ensurePolished();
        const all = [];
        loose(blocks, all);
        const total = all.reduce((sum, child) => sum + child.implicitHeight + spacing, 0);
        let height = 0;
        let best = all.length;
        let tallest = total;
        for (let i = 1; i < all.length; i++) {
            height += all[i - 1].implicitHeight + spacing;
            const taller = Math.max(height, total - height);
            if (taller < tallest) {
                tallest = taller;
                best = i;
            }
        }
        const rows = all.some(child => child instanceof GridLayout && child.columns > 1 && child.implicitHeight > viewHeight / 2);
        if (rows || tallest > total * 0.8) {
            // one big block, or one that has columns itself: halving would only make it narrower
            twoColumns = false;
            mayShare = false;
            return;
        }
        for (const child of all.slice(best))
            if (child.implicitHeight > 0) // a filler would only hold the column down
                child.parent = secondColumn;
        blocks.ensurePolished();
        secondColumn.ensurePolished();
    }
    // The lowest line up to `end` that goes through no piece; through a piece only where that is
    // higher than a page, then between two lines of its text, and not above its first.
    function cut(all: var, from: real, end: real): real {
        const lines = [end];
        for (const piece of all)
            for (const line of [piece.top, piece.bottom])
                if (line > from + 8 && line < end)
                    lines.push(line);
        lines.sort((a, b) => b - a);
        for (const line of lines)
            if (!all.some(piece => piece.top < line - 1 && piece.bottom > line + 1)) {
                // a heading goes with what it is the heading of
                const last = all.filter(piece => piece.bottom <= line + 1).pop();
                const heading = last !== undefined && (last.item as Label)?.kind === Label.Section && last.top > from + 8;
                return heading ? last.top : line;
            }
        const texts = [];
        const drawn = [];
        for (const piece of all) {
            if (piece.top >= end || piece.bottom <= from)
                continue;
            const before = texts.length;
            textsIn(piece.item, texts);
            if (texts.length === before && piece.bottom - piece.top <= viewHeight)
                drawn.push(piece);
        }
        let between = [end];
        for (const text of texts)
            for (let line = text.top; line < Math.min(text.bottom, end); line += text.step)
                if (line > from + 40)
                    between.push(line);
        for (const piece of drawn)
            if (piece.top > from + 8)
                between.push(piece.top);
        between.sort((a, b) => b - a);
        // half a code cannot be read, nor half a picture be seen
        const past = between.filter(line => !drawn.some(piece => piece.top < line - 1 && piece.bottom > line + 1));
        if (past.length > 0)
            between = past;
        let best = between[0];
        let fewest = 1e9;
        for (const line of between) {
            const through = texts.filter(text => goesThrough(line, text)).length;
            if (through < fewest) {
                fewest = through;
                best = line;
            }
        }
        for (const piece of all)
            if (piece.top > from + 8 && piece.top < best && piece.bottom > best && !texts.some(text => text.bottom > piece.top + 1 && text.top < best - 1 && text.bottom <= piece.bottom + 1))
                best = piece.top;
        return best > from + 8 ? best : end;
    }
    function goesThrough(line: real, text: var): bool {
        const into = line - text.top;
        const over = into % text.step;
        return into > 0 && line < text.bottom && Math.min(over, text.step - over) > text.step * 0.08;
    }
    function textsIn(item: Item, into: var) {
        const label = item as Label;
        if (label !== null) {
            into.push({
                "top": place(label),
                "bottom": place(label) + label.height,
                "step": label.lineStep
            });
            return;
        }
        for (const child of item.children)
            if (child.visible)
                textsIn(child, into);
    }
    // Where the pages of one column begin.
    function cuts(all: var, whole: real): list<real> {
        const begins = [0];
        let from = 0;
        for (let guard = 0; guard < 40 && from + viewHeight < whole - 1; guard++) {
            const end = from + viewHeight;
            const next = cut(all, from, end);
            // begin the next page at a piece, not in the room between two
            let begin = 1e9;
            for (const piece of all)
                if (piece.bottom > next + 1)
                    begin = Math.min(begin, Math.max(piece.top, next));
            if (begin >= whole)
                break;
            if (begin <= from + 8)
                begin = end;
            begins.push(begin);
            from = begin;
        }
        return begins;
    }
    function repage() {
        blocks.ensurePolished();
        if (Theme.landscape && asideSlot.visibleChildren.length === 0 && !twoColumns && mayShare && turns && fullHeight > 100)
            split();
        const first = [];
        const second = [];
        pieces(blocks, first);
        pieces(secondColumn, second);
        // what was a piece of its own before may now be inside a larger one
        for (const part of parts.concat(secondParts)) {
            part.item.opacity = 1;
            part.item.enabled = true;
        }
        parts = first;
        secondParts = second;
        starts = turns ? cuts(first, blocks.implicitHeight) : [0];
        secondStarts = turns ? cuts(second, secondColumn.implicitHeight) : [0];
        if (page >= pages)
            page = pages - 1;
        follow();
        hide();
    }
    // What is on another page is transparent: it is not read out, and drawings that lie wholly
    // outside the clip would be painted over everything by the software renderer.
    property var parts: []
    property var secondParts: []
    property var hidden: [] // inside a piece that is higher than the page
    property bool swept: false // changes with what shows: the window then paints everything anew
    onPageChanged: {
        hide();
        atTheEnd.restart();
    }
    function hide() {
        for (const item of hidden)
            item.opacity = 1;
        hidden = [];
        hideColumn(parts, startOf(starts), endOf(starts));
        hideColumn(secondParts, startOf(secondStarts), endOf(secondStarts));
        if (turns)
            swept = !swept;
    }
    function hideColumn(all: var, start: real, end: real) {
        const outside = [];
        for (const part of all) {
            const here = !turns || (part.bottom > start + 1 && part.top < end - 1);
            part.item.opacity = here ? 1 : 0;
            part.item.enabled = here;
            if (here && turns && (part.top < start - 1 || part.bottom > end + 1))
                outsiders(part.item, start, end, outside);
        }
        for (const item of outside)
            item.opacity = 0;
        hidden = hidden.concat(outside);
    }
    function outsiders(item: Item, start: real, end: real, into: var) {
        for (const child of item.children) {
            const top = place(child);
            if (!child.visible || child.opacity === 0)
                continue;
            if (top >= end - 1 || top + child.height <= start + 1)
                into.push(child);
            else if (top < start - 1 || top + child.height > end + 1)
                outsiders(child, start, end, into);
        }
    }
    // The field being typed is always in view, also when another one is touched.
    property string typed: "" // which one
    onTypedChanged: Qt.callLater(root.follow)
    function follow() {
        const spot = editing(blocks);
        if (spot === null || pages < 2)
            return;
        const box = (spot as Field)?.box ?? spot; // not the sentence below it
        const middle = place(box) + box.height / 2;
        let at = 0;
        while (at + 1 < starts.length && starts[at + 1] <= middle)
            at++;
        page = at;
    }
    function editing(item: Item): Item {
        for (const child of item.children) {
            if (!child.visible)
                continue;
            if (child.editing === true)
                return child;
            const inner = editing(child);
            if (inner !== null)
                return inner;
        }
        return null;
    }

    readonly property bool settled: !paging.running // its pages are made
    Timer {
        id: paging
        interval: 0
        onTriggered: root.repage()
    }
    Component.onCompleted: {
        arrange();
        paging.restart();
    }
    function arrange() {
        for (const child of dockSlot.children) {
            const keys = child as Keypad;
            if (keys !== null)
                keypad = keys;
            const letters = child as PinyinKeyboard;
            if (letters !== null)
                keyboard = letters;
        }
        if (Theme.landscape && keypad !== null)
            keypad.parent = asideSlot;
        if (Theme.lettersBeside && keyboard !== null)
            keyboard.parent = asideSlot;
        const stages = [];
        for (const child of blocks.children)
            if (child.stageKind !== undefined && (Theme.landscape || (Theme.lowReach && child.stageKind === "seen")))
                stages.push(child);
        for (const stage of stages)
            stage.parent = asideSlot;
        if (leadLast) {
            movedLead.parent = null;
            movedLead.parent = blocks;
        }
    }

    Accessible.role: Accessible.Pane
    Accessible.id: objectName
    Accessible.name: title

    // -- head ----------------------------------------------------------------------
    // Where it would leave too little room for the blocks, the lead is turned with them.
    readonly property real lowestDock: keypad !== null && keypad.visible && !Theme.landscape ? keypad.compactHeight
                                       : dockSlot.implicitHeight
    readonly property bool leadMoved: lead !== "" && (leadLast || actions.y - lowestDock - titleLabel.height
                                      - leadLabel.implicitHeight - Theme.s5 < (Theme.small ? Theme.bySize(260, 480, 560) : Theme.bySize(260, 300, 340)))

    // In low reach the head goes down too, unless the upper half is used or there is no room.
    readonly property real lowRoom: height - reachLine - actions.height - dockSlot.height - head.implicitHeight
    readonly property bool headLow: Theme.lowReach && !Theme.landscape && !stageHigh && lowRoom >= leastView

    ColumnLayout {
        id: head
        x: Theme.margin
        y: root.headLow ? root.reachLine : 0
        width: (root.aside ? root.width * (1 - root.asideShare) - Theme.s4 : root.width - Theme.margin) - Theme.margin
        spacing: 0

        Item {
            implicitHeight: Theme.landscape ? Theme.s1 : Theme.s2
        }
        RowLayout {
            visible: root.title !== "" && !root.untitled
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
            id: leadLabel
            visible: text !== "" && !root.leadMoved
            text: root.lead
            color: Theme.ink2
        }
        Item {
            implicitHeight: Theme.landscape ? Theme.s1 : Theme.s3
        }
    }

    // What shows of one column: one page of it, and nothing of the next at the lower edge.
    component PageView: Item {
        property list<real> starts: [0]
        readonly property real start: root.startOf(starts)
        height: root.turns ? Math.min(root.viewHeight, root.endOf(starts) - start) : root.viewHeight
        clip: root.turns
    }

    // -- blocks -----------------------------------------------------------------------
    Item {
        id: body
        readonly property real lower: dockSlot.y
        x: 0
        // what stands above it is never cut
        readonly property real below: root.upperLine + (root.stageHigh ? asideSlot.implicitHeight + root.spacing : 0)
        y: Math.max(below, Math.min(root.reachLine, lower - root.leastView))
        width: root.aside ? root.width * (1 - root.asideShare) : root.width
        height: Math.max(0, lower - y)

        PageView {
            id: firstView
            starts: root.starts
            width: root.twoColumns ? secondView.x : parent.width

            ColumnLayout {
                id: blocks
                x: Theme.margin
                y: -firstView.start
                width: root.twoColumns ? (head.width - Theme.s5) / 2 : head.width
                height: root.turns || root.twoColumns || root.aside ? implicitHeight : firstView.height // columns begin at the top
                spacing: root.spacing

                Label {
                    id: movedLead
                    visible: root.leadMoved
                    text: root.lead
                    color: Theme.ink2
                }
            }
        }
        PageView {
            id: secondView
            starts: root.secondStarts
            visible: root.twoColumns
            x: blocks.x + blocks.width + Theme.s5 - Theme.s2
            width: parent.width - x

            ColumnLayout {
                id: secondColumn
                x: Theme.s2
                y: -secondView.start
                width: blocks.width
                spacing: root.spacing
            }
        }
        RowLayout {
            id: turner
            visible: root.turns && root.pages > 1 // in two columns it may fit after all
            readonly property real leastWidth: turnedTo.implicitWidth + Theme.hMin * 2.4 + 2 * spacing
            y: root.turnerBetween ? actions.y + actions.lastRow + (actions.rowHeight - height) / 2 - body.y
               : root.turnerBesideMiddle ? actions.y + actions.firstRow + (actions.rowHeight - height) / 2 - body.y
               : body.height - height - (root.aside || !root.hasDock ? 0 : Theme.s2)
            x: root.turnerBetween ? actions.between : Theme.margin
            width: root.turnerBetween ? Math.min(actions.roomBetween, leastWidth * 1.6)
                   : root.turnerBesideMiddle ? Math.max((head.width - Theme.gap) * 0.4, leastWidth) : head.width
            spacing: Theme.gap
            // beside a drawing there may be no room for the words of both
            // the largest type leaves room for neither
            readonly property bool wordless: turnOn.wordedWidth + turnedTo.implicitWidth + Theme.hMin * 1.2 + 2 * spacing > width
            readonly property bool terse: turnBack.wordedWidth + turnOn.wordedWidth + turnedTo.implicitWidth + 2 * spacing > width

            PushButton {
                id: turnBack
                kind: PushButton.Inline
                wordless: turner.terse
                Layout.preferredWidth: wordless ? Theme.hMin * 1.2 : implicitWidth
                Layout.preferredHeight: Math.max(Theme.hMin, implicitHeight)
                available: root.page > 0
                icon: "chevron-up"
                words: Texts.words.frame.page_back
                onActivated: root.page -= 1
            }
            Label {
                id: turnedTo
                horizontalAlignment: Text.AlignHCenter
                kind: Label.Note
                bold: true
                wrapMode: Text.NoWrap
                text: (root.page + 1) + " / " + root.pages
            }
            PushButton {
                id: turnOn
                kind: PushButton.Inline
                wordless: turner.wordless
                Layout.preferredWidth: wordless ? Theme.hMin * 1.2 : implicitWidth
                Layout.preferredHeight: Math.max(Theme.hMin, implicitHeight)
                available: root.page + 1 < root.pages
                icon: "chevron-down"
                iconAfter: true
                words: Texts.words.frame.page_next
                onActivated: root.page += 1
            }
        }
    }

    // -- dock -------------------------------------------------------------------------------
    ColumnLayout {
        id: dockSlot
        y: actions.y - height
        width: root.width
        height: implicitHeight
        spacing: 0
    }
    Binding {
        target: root.keypad
        when: root.keypad !== null
        property: "compact"
        value: root.dockCompact
    }

    // -- beside the blocks (landscape), or above the reach line --------------------------------
    ColumnLayout {
        id: asideSlot
        x: root.aside ? root.width * (1 - root.asideShare) : Theme.margin
        y: root.stageHigh ? root.upperLine : Theme.s2 + Math.max(0, root.reachLine * 0.5 - Theme.s6)
        width: root.aside ? root.width * root.asideShare - Theme.margin : root.width - 2 * Theme.margin
        height: Math.max(0, (root.stageHigh ? body.y : actions.y) - y)
        spacing: Theme.gap
    }

    // -- actions ------------------------------------------------------------------------------
    Item {
        id: actions
        readonly property real room: width - 2 * Theme.margin
        readonly property real tallest: Math.max(wantMain > 0 ? root.main.implicitHeight : 0, root.readFirst ? readOn.implicitHeight : 0,
                                                 wantBack > 0 ? root.back.implicitHeight : 0,
                                                 wantMiddle > 0 ? root.middle.implicitHeight : 0)
        readonly property bool three: root.middle !== null && root.middle.visible
        // as wide as the wider of the two that take turns here, so that nothing moves
        readonly property real mainWidth: Math.max(root.main ? root.main.implicitWidth : 0, root.readFirst ? readOn.implicitWidth : 0)
        readonly property real wantMain: root.shownMain && root.shownMain.visible ? Math.max(mainWidth, three ? 0 : Theme.landscape ? 400 : 480) : 0
        readonly property real wantBack: root.back && root.back.visible ? Math.max(root.back.implicitWidth, three ? 0 : 260) : 0
        readonly property real wantMiddle: root.middle && root.middle.visible ? root.middle.implicitWidth : 0
        readonly property real rowHeight: Math.max(Theme.hMain, tallest)
        readonly property real firstRow: lastRow - (twoRows ? rowHeight + Theme.gap : 0)
        readonly property bool beside: twoRows && root.turnerBesideMiddle && root.turns
        readonly property real lastRow: height - (Theme.hActions - Theme.hMain) / 2 - rowHeight
        // three that do not fit side by side: the third stands above, the full width
        readonly property bool twoRows: count === 3 && total > room
        // between the button back and the others
        readonly property real between: Theme.margin + (wantBack > 0 ? wantBack * shrink + Theme.gap : 0)
        readonly property real roomBetween: twoRows ? 0 : room - total * shrink - (count > 0 ? Theme.gap : 0) - (wantBack > 0 && count > 1 ? Theme.gap : 0)
        readonly property real besideWidth: room - turner.width - Theme.gap
        readonly property int count: (wantMain > 0 ? 1 : 0) + (wantBack > 0 ? 1 : 0) + (wantMiddle > 0 ? 1 : 0)
        readonly property real total: wantMain + wantBack + wantMiddle + Math.max(0, count - 1) * Theme.gap
        // where the words are long each gives up in proportion and wraps
        readonly property real lowTotal: twoRows ? wantMain + wantBack : total - Math.max(0, count - 1) * Theme.gap
        readonly property real lowRoom: room - (twoRows ? 1 : Math.max(0, count - 1)) * Theme.gap
        readonly property real shrink: lowTotal > lowRoom ? lowRoom / lowTotal : 1

        y: root.height - height
        width: root.width
        height: !root.hasActions ? Theme.s3
                : Math.max(Theme.hActions, tallest + 2 * Theme.s3) + (twoRows ? rowHeight + Theme.gap : 0)

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
            value: actions.lastRow
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
        PushButton {
            id: readOn
            visible: root.unread
            kind: PushButton.Main
            icon: "chevron-down"
            words: Texts.words.frame.read_on
            x: actions.width - Theme.margin - width
            y: actions.lastRow
            width: actions.wantMain * actions.shrink
            height: Math.max(Theme.hMain, actions.tallest)
            onActivated: {
                if (root.page + 1 < root.pages)
                    root.page += 1;
            }
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
            value: actions.lastRow
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
            value: actions.beside ? actions.width - Theme.margin - actions.besideWidth : actions.twoRows ? Theme.margin : root.main ? actions.width - Theme.margin - actions.wantMain * actions.shrink - Theme.gap - actions.wantMiddle * actions.shrink
                             : actions.width - Theme.margin - actions.wantMiddle * actions.shrink
        }
        Binding {
            target: root.middle
            when: root.middle !== null
            property: "y"
            value: actions.firstRow
        }
        Binding {
            target: root.middle
            when: root.middle !== null
            property: "width"
            value: actions.beside ? actions.besideWidth : actions.twoRows ? actions.room : actions.wantMiddle * actions.shrink
        }
        Binding {
            target: root.middle
            when: root.middle !== null
            property: "height"
            value: Math.max(Theme.hMain, actions.tallest)
        }
    }
}
