import QtQuick
import QtQuick.Shapes
import Kiosk.Theme

// Time left. The number is the message; the ring only supports it, one step a second.
Item {
    id: root

    property int seconds: 0
    property int ofSeconds: 1
    property string unit: ""
    property bool big: false
    readonly property real thick: big ? 22 : 8

    implicitWidth: big ? Theme.bySize(300, 360, 400) : Theme.bySize(104, 136, 152)
    implicitHeight: implicitWidth
    Accessible.role: Accessible.ProgressBar
    Accessible.name: root.seconds + root.unit

    Shape {
        anchors.fill: parent
        Accessible.ignored: true
        ShapePath {
            strokeColor: Theme.highContrast ? Theme.line : Theme.sunken
            strokeWidth: root.thick
            fillColor: "transparent"
            PathAngleArc {
                centerX: root.width / 2
                centerY: root.height / 2
                radiusX: (root.width - root.thick) / 2
                radiusY: radiusX
                startAngle: 0
                sweepAngle: 360
            }
        }
        ShapePath {
            strokeColor: root.seconds > 0 ? Theme.nowLine : "transparent"
            strokeWidth: root.thick
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            PathAngleArc {
                centerX: root.width / 2
                centerY: root.height / 2
                radiusX: (root.width - root.thick) / 2
                radiusY: radiusX
                startAngle: -90
                sweepAngle: 360 * Math.max(0, Math.min(1, root.seconds / Math.max(1, root.ofSeconds)))
            }
        }
    }
    Column {
        anchors.centerIn: parent
        anchors.verticalCenterOffset: root.big && root.unit !== "" ? -Theme.s2 : 0
        Label {
            anchors.horizontalCenter: parent.horizontalCenter
            width: implicitWidth
            wrapMode: Text.NoWrap
            text: root.seconds
            bold: true
            font.pixelSize: root.big ? Theme.fsNumber * 1.85 : Theme.bySize(44, 56, 60)
            lineHeight: root.big ? 0.8 : 1
            Accessible.ignored: true
        }
        Label {
            visible: root.unit !== ""
            anchors.horizontalCenter: parent.horizontalCenter
            width: implicitWidth
            kind: Label.Note
            text: root.unit
            color: Theme.ink2
            Accessible.ignored: true
        }
    }
}
