import QtQuick
import Kiosk.Theme

// The surface of what can be pressed: a face on a lower edge that vanishes when pressed.
// Children lie on the face and sink with it.
Item {
    id: root

    property real sunk: 0
    property color face: Theme.surface
    property color facePressed: Theme.primaryTint
    property color edge: Theme.edge
    property color outline: edge
    property color outlinePressed: Theme.primary
    property real line: Theme.thin
    property real radius: Theme.rM
    property real ledge: Theme.ledge
    readonly property real faceY: sunk * ledge
    readonly property real faceHeight: height - ledge
    default property alias content: onFace.data

    Rectangle {
        y: root.faceY
        width: root.width
        height: root.height - y
        radius: root.radius
        color: root.sunk > 0.5 ? root.outlinePressed : root.edge
    }
    Rectangle {
        id: onFace
        y: root.faceY
        width: root.width
        height: root.faceHeight
        radius: root.radius
        color: root.sunk > 0.5 ? root.facePressed : root.face
        border.width: root.line
        border.color: root.sunk > 0.5 ? root.outlinePressed : root.outline
    }
}
