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
    property var takenPapers: [] // corners of papers that were taken and still lie there
    property string takenWords: ""
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
    Repeater {
        model: root.takenPapers
        Item {
            id: taken
            required property var modelData
            readonly property point middle: root.place([
                modelData.reduce((sum, p) => sum + p[0] / modelData.length, 0),
                modelData.reduce((sum, p) => sum + p[1] / modelData.length, 0)
            ])
            anchors.fill: parent
            Shape {
                anchors.fill: parent
                Accessible.ignored: true
                ShapePath {
                    strokeColor: "#FFFFFF"
                    strokeWidth: 4
                    strokeStyle: ShapePath.DashLine
                    dashPattern: [4, 3]
                    joinStyle: ShapePath.RoundJoin
                    fillColor: "#66000000"
                    PathSvg {
                        path: root.polygon(taken.modelData)
                    }
                }
            }
            Rectangle {
                x: taken.middle.x - width / 2
                y: taken.middle.y - height / 2
                width: tick.implicitWidth + 2 * Theme.s3
                height: tick.implicitHeight + Theme.s1
                radius: Theme.rS
                color: "#10242A"
                Label {
                    id: tick
                    anchors.centerIn: parent
                    width: implicitWidth
                    wrapMode: Text.NoWrap
                    kind: Label.Note
                    color: "#FFFFFF"
                    text: root.takenWords
                }
            }
        }
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
    TroubleRing {
        anchors.fill: parent
        frame: root.frame
        area: root.troubleArea
        words: root.troubleWords
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
