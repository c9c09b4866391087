import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// One of several equal answers, the full width: ratings, reasons, options.
Pressable {
    id: root

    property string detail: ""
    property string icon: ""
    property bool chosen: false
    property bool colored: false // neutral unless asked: ratings are never coloured

    checked: chosen
    description: detail
    Layout.fillWidth: true
    implicitWidth: 600
    implicitHeight: Math.max(Theme.hMain, line.implicitHeight + Theme.ledge + 2 * Theme.s2)

    Ledge {
        anchors.fill: parent
        sunk: root.sunk
        edge: root.chosen ? Theme.primary : Theme.edge
        outline: root.chosen ? Theme.primary : Theme.edge
        line: root.chosen ? Theme.stroke + 2 : Theme.thin
        face: root.chosen ? Theme.primaryTint : Theme.surface
    }
    RowLayout {
        id: line
        x: Theme.s5
        y: root.sunk * Theme.ledge + (root.height - Theme.ledge - height) / 2
        width: root.width - 2 * Theme.s5
        spacing: Theme.s4

        Icon {
            visible: root.icon !== "" || root.checkable
            name: root.icon !== "" ? root.icon : root.chosen ? "square-check-big" : "square"
            size: Theme.iconBig
            color: root.colored || root.chosen ? Theme.primary : Theme.ink
        }
        ColumnLayout {
            spacing: 0
            Label {
                kind: Label.Section
                text: root.words
                Accessible.ignored: true
            }
            Label {
                visible: text !== ""
                kind: Label.Note
                text: root.detail
                color: Theme.ink2
                Accessible.ignored: true
            }
        }
        Icon {
            visible: root.chosen && root.icon !== ""
            name: "check"
            color: Theme.primary
        }
    }
}
