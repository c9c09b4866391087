import QtQuick
import Kiosk.Theme

// A Lucide icon, drawn for this colour and size by the window's image provider.
Image {
    id: root

    property string name: ""
    property color color: Theme.ink
    property real size: Theme.icon

    width: size
    height: size
    sourceSize: Qt.size(size, size)
    source: name === "" ? "" : "image://icon/" + name + "/" + color.toString().slice(1)
    fillMode: Image.PreserveAspectFit
    asynchronous: false
    cache: true
    Accessible.ignored: true // an icon always stands beside its word
}
