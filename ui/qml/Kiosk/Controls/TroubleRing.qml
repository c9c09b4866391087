pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Shapes
import Kiosk.Theme

// Where in a picture something is wrong: an ellipse, as one would draw it with a pen, and its name.
Item {
    id: root

    property var area: [] // corners as shares of the picture's width and height
    property rect frame: Qt.rect(0, 0, 0, 0) // where the picture lies in this item
    property string words: ""
    readonly property bool troubled: area.length > 0 && frame.width > 0
    readonly property rect trouble: troubled ? ring(area) : Qt.rect(-50, -50, 0, 0)

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
        const least = 90;
        const w = Math.max(least, (right - left) * frame.width * 1.15);
        const h = Math.max(least * 0.7, (bottom - top) * frame.height * 1.15);
        const x = frame.x + (left + right) / 2 * frame.width;
        const y = frame.y + (top + bottom) / 2 * frame.height;
        return Qt.rect(x - w / 2, y - h / 2, w, h);
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
        visible: root.troubled && root.words !== ""
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
            text: root.words
        }
    }
}
