pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import QtQuick.Shapes
import Kiosk.Preview
import Kiosk.Theme

// The live plate: the page's corners as found, and where something is wrong with it.
Rectangle {
    id: root

    property var corners: []
    property var troubleArea: []
    property string troubleWords: ""
    property bool good: false
    property string liveWords: ""
    property string words: ""
    readonly property rect frame: picture.frame

    function place(p: var): point {
        return Qt.point(frame.x + p[0] * frame.width, frame.y + p[1] * frame.height);
    }
    function polygon(points: var): string {
        let path = "";
        for (let i = 0; i < points.length; i++) {
            const p = place(points[i]);
            path += (i === 0 ? "M" : "L") + p.x + "," + p.y;
        }
        return points.length > 2 ? path + "Z" : "M-20,-20";
    }
    // An ellipse around the area, as one would circle it with a pen.
    function ring(points: var): rect {
        let left = 1;
        let top = 1;
        let right = 0;
        let bottom = 0;
        for (const p of points) {
            left = Math.min(left, p[0]);
            right = Math.max(right, p[0]);
            top = Math.min(top, p[1]);
            bottom = Math.max(bottom, p[1]);
        }
        const a = place([left, top]);
        const b = place([right, bottom]);
        const least = 90;
        const w = Math.max(least, (b.x - a.x) * 1.15);
        const h = Math.max(least * 0.7, (b.y - a.y) * 1.15);
        return Qt.rect((a.x + b.x - w) / 2, (a.y + b.y - h) / 2, w, h);
    }
    readonly property bool troubled: troubleArea.length > 0
    readonly property rect trouble: troubled ? ring(troubleArea) : Qt.rect(-50, -50, 0, 0)

    readonly property string stageKind: "seen"

    Layout.fillWidth: true
    Layout.fillHeight: true
    Layout.minimumHeight: 240
    implicitHeight: Theme.lowReach || Theme.landscape ? 320 : Theme.bySize(480, 400, 360)
    implicitWidth: 600
    radius: Theme.rL
    color: Theme.well
    clip: true
    Accessible.role: Accessible.Graphic
    Accessible.name: words

    PreviewPicture {
        id: picture
        anchors.fill: parent
        running: root.visible
    }
    Shape {
        visible: root.corners.length === 4
        anchors.fill: parent
        Accessible.ignored: true
        ShapePath {
            strokeColor: root.good ? Theme.primaryTint : Theme.now
            strokeWidth: 10
            joinStyle: ShapePath.RoundJoin
            fillColor: "transparent"
            PathSvg {
                path: root.polygon(root.corners)
            }
        }
    }
    Repeater {
        model: root.corners.length === 4 ? root.corners : []
        Rectangle {
            required property var modelData
            readonly property point middle: root.place(modelData)
            x: middle.x - width / 2
            y: middle.y - height / 2
            width: 36
            height: 36
            radius: 18
            color: root.good ? Theme.primaryTint : Theme.now
            border.width: 4
            border.color: "#10242A"
        }
    }
    Shape {
        visible: root.troubled
        Accessible.ignored: true
        ShapePath {
            strokeColor: "#FFFFFF"
            strokeWidth: 11
            fillColor: "transparent"
            PathAngleArc {
                centerX: root.trouble.x + root.trouble.width / 2
                centerY: root.trouble.y + root.trouble.height / 2
                radiusX: root.trouble.width / 2
                radiusY: root.trouble.height / 2
                startAngle: 0
                sweepAngle: 360
            }
        }
        ShapePath {
            strokeColor: Theme.highContrast ? "#000000" : Theme.trouble
            strokeWidth: 6
            strokeStyle: ShapePath.DashLine
            dashPattern: [3, 2]
            fillColor: "transparent"
            PathAngleArc {
                centerX: root.trouble.x + root.trouble.width / 2
                centerY: root.trouble.y + root.trouble.height / 2
                radiusX: root.trouble.width / 2
                radiusY: root.trouble.height / 2
                startAngle: 0
                sweepAngle: 360
            }
        }
    }
    Rectangle {
        visible: root.troubled && root.troubleWords !== ""
        x: Math.max(8, Math.min(root.width - width - 8, root.trouble.x + (root.trouble.width - width) / 2))
        y: Math.min(root.height - height - 8, root.trouble.y + root.trouble.height + 12)
        width: word.implicitWidth + 2 * Theme.s3
        height: word.implicitHeight
        radius: Theme.rS
        color: Theme.trouble
        Label {
            id: word
            anchors.centerIn: parent
            width: implicitWidth
            wrapMode: Text.NoWrap
            kind: Label.Body
            bold: true
            color: Theme.troubleInk
            text: root.troubleWords
        }
    }
    Rectangle {
        visible: root.liveWords !== ""
        x: Theme.s3
        y: Theme.s3
        width: live.implicitWidth + 2 * Theme.s3
        height: live.implicitHeight
        radius: Theme.rS
        color: "#10242A"
        Label {
            id: live
            anchors.centerIn: parent
            width: implicitWidth
            wrapMode: Text.NoWrap
            kind: Label.Note
            color: "#FFFFFF"
            text: root.liveWords
        }
    }
}
