import QtQuick
import Kiosk.Theme

// A code to be photographed or scanned: black on white in every theme.
Rectangle {
    id: root

    property string text: ""
    property string words: ""
    property real size: Theme.bySize(300, 320, 320)

    implicitWidth: size
    implicitHeight: size
    color: "#FFFFFF"
    radius: Theme.rS
    border.width: 2
    border.color: Theme.line
    Accessible.role: Accessible.Graphic
    Accessible.name: words

    Image {
        anchors.fill: parent
        anchors.margins: Theme.s2
        source: root.text === "" ? "" : "image://qr/" + encodeURIComponent(root.text)
        sourceSize: Qt.size(width, height)
        fillMode: Image.PreserveAspectFit
        smooth: false
        cache: false
        Accessible.ignored: true
    }
}
