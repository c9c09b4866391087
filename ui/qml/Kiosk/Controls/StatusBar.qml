import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// Where one is, what time it is, whether the centre can be reached. Only to be read.
Rectangle {
    id: root

    property string centre: ""
    property string terminal: ""
    property string date: ""
    property string lineWords: ""
    property bool lineDown: false
    property bool lineUnknown: false

    implicitHeight: Theme.hStatus
    color: Theme.surface
    Accessible.role: Accessible.StatusBar
    Accessible.name: centre

    GridLayout {
        anchors.fill: parent
        anchors.leftMargin: Theme.margin
        anchors.rightMargin: Theme.margin
        anchors.topMargin: Theme.s1
        anchors.bottomMargin: Theme.s1
        flow: Theme.landscape ? GridLayout.LeftToRight : GridLayout.TopToBottom
        rows: Theme.landscape ? 1 : 2
        columns: Theme.landscape ? 4 : 2
        columnSpacing: Theme.s3
        rowSpacing: -Theme.s1

        Label {
            Layout.fillWidth: !Theme.landscape
            Layout.maximumWidth: root.width * (Theme.landscape ? 0.3 : 0.58)
            Layout.alignment: Qt.AlignVCenter
            text: root.centre
            bold: true
            wrapMode: Text.NoWrap
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: 32
            font.pixelSize: Theme.fsBar * 1.12
        }
        Label {
            Layout.fillWidth: true
            Layout.alignment: Qt.AlignVCenter
            text: root.terminal
            visible: !Theme.small
            wrapMode: Text.NoWrap
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: 32
            font.pixelSize: Theme.fsBar
            color: Theme.ink2
        }
        Label {
            Layout.fillWidth: false
            Layout.alignment: Qt.AlignRight | Qt.AlignVCenter
            text: root.date
            bold: true
            wrapMode: Text.NoWrap
            font.pixelSize: Theme.fsBar * 1.12
        }
        RowLayout {
            Layout.fillWidth: false
            Layout.alignment: Qt.AlignRight | Qt.AlignVCenter
            spacing: Theme.s2
            Icon {
                name: root.lineDown ? "wifi-off" : root.lineUnknown ? "wifi-sync" : "wifi"
                size: Theme.fsBar * 1.1
                color: root.lineDown ? Theme.trouble : Theme.ink2
            }
            Label {
                Layout.fillWidth: false
                text: root.lineWords
                bold: root.lineDown
                wrapMode: Text.NoWrap
                font.pixelSize: Theme.fsBar
                color: root.lineDown ? Theme.trouble : Theme.ink2
            }
        }
    }
    Rectangle {
        anchors.bottom: parent.bottom
        width: parent.width
        height: 2
        color: Theme.line
    }
}
