import QtQuick
import QtQuick.Shapes
import Kiosk.Theme

// Dashed rounded rectangle: closed, disabled, not installed.
Shape {
    id: root

    property color color: Theme.edge
    property color fill: "transparent"
    property real radius: Theme.rM
    property real line: Theme.thin

    Accessible.ignored: true

    ShapePath {
        id: outline
        readonly property real i: root.line / 2
        readonly property real w: root.width
        readonly property real h: root.height
        readonly property real r: Math.min(root.radius, root.height / 2, root.width / 2)
        strokeColor: root.color
        strokeWidth: root.line
        strokeStyle: ShapePath.DashLine
        dashPattern: [5, 4]
        fillColor: root.fill
        startX: i + r
        startY: i
        PathLine {
            x: outline.w - outline.i - outline.r
            y: outline.i
        }
        PathArc {
            x: outline.w - outline.i
            y: outline.i + outline.r
            radiusX: outline.r
            radiusY: outline.r
        }
        PathLine {
            x: outline.w - outline.i
            y: outline.h - outline.i - outline.r
        }
        PathArc {
            x: outline.w - outline.i - outline.r
            y: outline.h - outline.i
            radiusX: outline.r
            radiusY: outline.r
        }
        PathLine {
            x: outline.i + outline.r
            y: outline.h - outline.i
        }
        PathArc {
            x: outline.i
            y: outline.h - outline.i - outline.r
            radiusX: outline.r
            radiusY: outline.r
        }
        PathLine {
            x: outline.i
            y: outline.i + outline.r
        }
        PathArc {
            x: outline.i + outline.r
            y: outline.i
            radiusX: outline.r
            radiusY: outline.r
        }
    }
}
