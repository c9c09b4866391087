pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import QtQuick.Shapes
import Kiosk.Theme

// Written with a finger. Points leave as 0..1 of the box; nothing is kept here but what is shown.
Item {
    id: root

    property var strokes: []
    property string hint: ""
    property string words: ""
    property bool quiet: false // an overlay stands above
    readonly property bool pressable: true

    property var fresh: [] // strokes written here and not yet given back by `strokes`
    property var drawing: []

    signal signed(var strokes)

    onStrokesChanged: fresh = []

    function svg(points: var): string {
        if (points.length === 0)
            return "M-20,-20";
        let path = "M" + points[0][0] * width + "," + points[0][1] * height;
        if (points.length === 1)
            return path + "l0.1,0.1";
        for (let i = 1; i < points.length - 1; i++) {
            const p = points[i];
            const q = points[i + 1];
            path += "Q" + p[0] * width + "," + p[1] * height + " "
                    + (p[0] + q[0]) / 2 * width + "," + (p[1] + q[1]) / 2 * height;
        }
        const last = points[points.length - 1];
        return path + "L" + last[0] * width + "," + last[1] * height;
    }

    readonly property string stageKind: "touched"

    Layout.fillWidth: true
    Layout.fillHeight: true
    Layout.minimumHeight: 240
    implicitHeight: Theme.lowReach || Theme.landscape ? 300 : Theme.bySize(360, 300, 280)
    implicitWidth: 600
    Accessible.role: Accessible.Canvas
    Accessible.name: words
    Accessible.focusable: true

    component Ink: ShapePath {
        strokeColor: Theme.ink
        strokeWidth: 12
        fillColor: "transparent"
        capStyle: ShapePath.RoundCap
        joinStyle: ShapePath.RoundJoin
    }

    Rectangle {
        anchors.fill: parent
        anchors.margins: -8
        radius: Theme.rM + 8
        color: Theme.now
    }
    Rectangle {
        anchors.fill: parent
        radius: Theme.rM
        color: Theme.surface
        border.width: Theme.stroke + 3
        border.color: Theme.nowLine
    }
    Shape {
        Accessible.ignored: true
        ShapePath {
            strokeColor: Theme.edge
            strokeWidth: 3
            strokeStyle: ShapePath.DashLine
            dashPattern: [2, 3]
            fillColor: "transparent"
            startX: root.width * 0.06
            startY: root.height - below.room - Theme.s3
            PathLine {
                x: root.width * 0.94
                y: root.height - below.room - Theme.s3
            }
        }
    }
    Label {
        id: below
        // in a low box the name needs the room
        readonly property real room: visible ? height : 0
        visible: implicitHeight < root.height / 3
        x: root.width * 0.06
        anchors.bottom: parent.bottom
        anchors.bottomMargin: Theme.s2
        width: root.width * 0.88
        kind: Label.Note
        text: root.hint
        color: Theme.ink2
    }
    Repeater {
        model: root.strokes.concat(root.fresh)
        Shape {
            id: one
            required property var modelData
            Accessible.ignored: true
            Ink {
                PathSvg {
                    path: root.svg(one.modelData)
                }
            }
        }
    }
    Shape {
        visible: root.drawing.length > 0
        Accessible.ignored: true
        Ink {
            PathSvg {
                path: root.svg(root.drawing)
            }
        }
    }
    PointHandler {
        id: finger
        acceptedButtons: Qt.LeftButton
        target: null
        onActiveChanged: {
            if (active) {
                root.drawing = [root.at(point.position)];
            } else if (root.drawing.length > 0) {
                const done = root.fresh.concat([root.drawing]);
                root.drawing = [];
                root.fresh = done;
                root.signed(root.strokes.concat(done));
            }
        }
        onPointChanged: {
            if (!active || root.drawing.length === 0)
                return;
            const next = root.at(point.position);
            const last = root.drawing[root.drawing.length - 1];
            // nearer than this adds nothing to the line
            if (Math.hypot((next[0] - last[0]) * root.width, (next[1] - last[1]) * root.height) >= 3)
                root.drawing = root.drawing.concat([next]);
        }
    }

    function at(position: point): var {
        return [Math.max(0, Math.min(1, position.x / width)), Math.max(0, Math.min(1, position.y / height))];
    }
}
