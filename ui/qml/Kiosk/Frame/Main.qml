import QtQuick
import Kiosk.Controls
import Kiosk.Frame
import Kiosk.Theme

// What stands around every page. The scene keeps its own coordinates; only `scene` is scaled.
Item {
    id: root

    required property FrameModel model
    readonly property alias pageHost: host
    readonly property alias overlayHost: overlays

    property Item current: null
    property Item leaving: null
    property Item overlay: null

    signal departed(page: Item) // a page is gone from the screen and may be forgotten

    // The window puts a new page in; the old one leaves.
    function present(page: Item, forward: bool, animated: bool) {
        finish();
        page.parent = host;
        page.width = Qt.binding(() => host.width);
        page.height = Qt.binding(() => host.height);
        const framed = page as PageFrame;
        if (framed !== null)
            framed.sceneTop = Qt.binding(() => host.y);
        leaving = current;
        current = page;
        if (leaving)
            leaving.enabled = false;
        if (leaving && animated && Theme.tPage > 0) {
            shift.from = forward ? Theme.pageShift : -Theme.pageShift;
            move.start();
        } else {
            page.x = 0;
            page.opacity = 1;
            finish();
        }
    }
    function finish() {
        if (move.running)
            move.complete();
        if (leaving) {
            const gone = leaving;
            leaving = null;
            gone.visible = false;
            departed(gone);
        }
    }
    function presentOverlay(sheet: Item) {
        overlay = sheet;
        sheet.parent = overlays;
    }

    Rectangle {
        anchors.fill: parent
        color: "#000000"
    }
    Item {
        id: scene
        width: Theme.sceneWidth
        height: Theme.sceneHeight
        readonly property real fit: Math.min(root.width / width, root.height / height)
        scale: fit
        transformOrigin: Item.TopLeft
        x: (root.width - width * fit) / 2
        y: (root.height - height * fit) / 2
        clip: fit !== 1

        Rectangle {
            // The software renderer leaves spots of a drawing that was hidden, where its item does
            // not reach; a change of the ground, even one that cannot be seen, has it paint all.
            readonly property bool swept: (root.current as PageFrame)?.swept ?? false
            anchors.fill: parent
            radius: swept ? 0.01 : 0
            color: Theme.page
        }
        Item {
            id: below
            anchors.fill: parent
            enabled: root.overlay === null // nothing below a sheet can be pressed

            StepBar {
                id: steps
                anchors.top: status.bottom
                x: Theme.margin
                width: host.width - 2 * Theme.margin
                visible: root.model.stepsShown
                itemName: root.model.itemName
                names: root.model.stepNames
                current: root.model.currentStep
                sentence: root.model.stepSentence
            }
            Item {
                id: host
                y: status.height + (steps.visible ? steps.implicitHeight : 0)
                width: Theme.sideTools ? tools.x : parent.width
                height: (Theme.sideTools ? parent.height : tools.y) - y
                clip: true
            }
            StatusBar {
                id: status
                width: parent.width
                height: implicitHeight
                centre: root.model.centre
                terminal: root.model.terminal
                date: root.model.date
                time: root.model.time
                lineWords: root.model.lineWords
                lineDown: root.model.lineDown
                lineUnknown: root.model.lineUnknown
            }
            ToolRow {
                id: tools
                x: parent.width - width
                y: parent.height - height
                width: Theme.sideTools ? Theme.wTools : parent.width
                height: Theme.sideTools ? parent.height - status.height : implicitHeight
                voiceOn: root.model.voiceOn
                elderOn: root.model.elderOn
                lowReachOn: root.model.lowReachOn
                onHome: root.model.home()
                onLanguage: root.model.language()
                onTextSizes: root.model.textSizes()
                onVoice: root.model.voice()
                onElder: root.model.elder()
                onLowReach: root.model.lowReach()
                onHelp: root.model.help()
            }
        }
        Item {
            id: overlays
            anchors.fill: parent
            visible: root.overlay !== null
        }
    }

    ParallelAnimation {
        id: move
        onFinished: root.finish()
        NumberAnimation {
            id: shift
            target: root.current
            property: "x"
            to: 0
            duration: Theme.tPage
            easing.type: Easing.BezierSpline
            easing.bezierCurve: Theme.ease
        }
        NumberAnimation {
            target: root.current
            property: "opacity"
            from: 0
            to: 1
            duration: Theme.tPage
            easing.type: Easing.BezierSpline
            easing.bezierCurve: Theme.ease
        }
        NumberAnimation {
            target: root.leaving
            property: "opacity"
            to: 0
            duration: Theme.tPage / 2
        }
    }
}
