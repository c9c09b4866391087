import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// A page as taken, from the window's image store; gone when the session is.
Rectangle {
    id: root

    property string key: ""
    property string words: ""
    property var troubleArea: []
    property string troubleWords: ""

    readonly property string stageKind: "seen"

    Layout.fillWidth: true
    Layout.fillHeight: true
    Layout.minimumHeight: 240
    implicitHeight: Theme.lowReach || Theme.landscape ? 360 : 700
    implicitWidth: 400
    radius: Theme.rL
    color: Theme.sunken
    border.width: 2
    border.color: Theme.line
    Accessible.role: Accessible.Graphic
    Accessible.name: words

    Image {
        id: picture
        anchors.fill: parent
        anchors.margins: Theme.s2
        fillMode: Image.PreserveAspectFit
        source: root.key === "" ? "" : "image://page/" + root.key
        sourceSize: Qt.size(width, height)
        asynchronous: false
        cache: false
        Accessible.ignored: true
    }
    TroubleRing {
        visible: root.key !== ""
        anchors.fill: picture
        frame: Qt.rect((picture.width - picture.paintedWidth) / 2, (picture.height - picture.paintedHeight) / 2,
                       picture.paintedWidth, picture.paintedHeight)
        area: root.troubleArea
        words: root.troubleWords
    }
}
