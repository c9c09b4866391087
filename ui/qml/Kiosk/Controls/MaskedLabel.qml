pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// A masked value: its asterisks are lowered to mid-height.
Item {
    id: root

    property string shown: ""
    property int kind: Label.Body
    property bool bold: kind !== Label.Note && kind !== Label.Body
    property color color: Theme.ink
    property alias font: whole.font
    readonly property list<string> segments: shown.split(/(\*+)/).filter(part => part !== "")

    Layout.fillWidth: true
    implicitWidth: whole.implicitWidth
    implicitHeight: flow.implicitHeight
    Accessible.role: Accessible.StaticText
    Accessible.name: shown

    // measures only
    Label {
        id: whole
        visible: false
        wrapMode: Text.NoWrap
        kind: root.kind
        bold: root.bold
        text: root.shown
    }
    Flow {
        id: flow
        width: root.width
        Repeater {
            model: root.segments
            Label {
                id: part
                required property string modelData
                readonly property bool stars: modelData.startsWith("*")
                width: Math.min(implicitWidth, flow.width)
                kind: root.kind
                font: whole.font
                color: root.color
                text: modelData
                Accessible.ignored: true
                transform: Translate {
                    y: part.stars ? part.font.pixelSize * 0.16 : 0
                }
            }
        }
    }
}
