import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// Where one is, what time it is, whether the centre can be reached. Only to be read.
Rectangle {
    id: root

    property string centre: ""
    property string terminal: ""
    property string date: ""
    property string time: "" // alone where there is no room for the day
    property string lineWords: ""
    property bool lineDown: false
    property bool lineUnknown: false

    readonly property bool oneLine: Theme.landscape
    readonly property bool brief: Theme.small && Theme.elder
    // A long name of the centre takes both lines; the terminal's own name is the first to go.
    readonly property real rightWidth: root.oneLine ? dateLabel.implicitWidth + line.implicitWidth + Theme.s3
                                                       : Math.max(dateLabel.implicitWidth, line.implicitWidth)
    readonly property real leftWidth: (metrics.height > 0 ? metrics.advanceWidth(root.centre) : 0)
                                      + (root.oneLine && !root.brief ? terminalLabel.implicitWidth + Theme.s3 : 0)
    readonly property bool crowded: leftWidth + rightWidth + Theme.s3 > width - 2 * Theme.margin

    implicitHeight: Theme.hStatus
    color: Theme.surface
    Accessible.role: Accessible.StatusBar
    Accessible.name: centre

    FontMetrics {
        id: metrics
        font.family: Theme.family
        font.pixelSize: Theme.fsBar * 1.12
        font.weight: Font.Bold
    }
    GridLayout {
        anchors.fill: parent
        anchors.leftMargin: Theme.margin
        anchors.rightMargin: Theme.margin
        anchors.topMargin: root.brief ? 0 : Theme.s1
        anchors.bottomMargin: root.brief ? 0 : Theme.s1
        flow: root.oneLine ? GridLayout.LeftToRight : GridLayout.TopToBottom
        rows: root.oneLine ? 1 : 2
        columns: root.oneLine ? 4 : 2
        columnSpacing: Theme.s3
        rowSpacing: -Theme.s1

        Label {
            id: centreLabel
            Layout.fillWidth: !root.oneLine || root.crowded || root.brief
            Layout.rowSpan: root.crowded && !root.oneLine ? 2 : 1
            Layout.alignment: Qt.AlignVCenter
            text: root.centre
            bold: true
            wrapMode: root.crowded ? Text.WordWrap : Text.NoWrap
            font.pixelSize: root.crowded ? Theme.fsBar : Theme.fsBar * 1.12
            lineHeight: root.crowded ? (root.brief ? 0.72 : 0.85) : 1
        }
        Label {
            id: terminalLabel
            Layout.fillWidth: true
            Layout.alignment: Qt.AlignVCenter
            text: root.terminal
            visible: !root.crowded && !root.brief
            wrapMode: Text.NoWrap
            font.pixelSize: Theme.fsBar
            color: Theme.ink2
        }
        Label {
            id: dateLabel
            Layout.fillWidth: false
            Layout.alignment: Qt.AlignRight | Qt.AlignVCenter
            text: root.brief ? root.time : root.date
            bold: true
            wrapMode: Text.NoWrap
            font.pixelSize: Theme.fsBar * 1.12
        }
        RowLayout {
            id: line
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
