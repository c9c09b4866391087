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

    // the largest type beside another column, and any on a low screen
    readonly property bool tight: Theme.small || (Theme.largest && Theme.landscape)
    readonly property bool flat: tight && (Theme.elder || Theme.lowReach)
    readonly property real inset: tight ? Theme.s3 : Theme.s5

    checked: chosen
    description: detail
    Layout.fillWidth: true
    implicitWidth: 600
    implicitHeight: Math.max(flat ? Theme.hMin : Theme.hMain, line.implicitHeight + Theme.ledge + 2 * (flat ? Theme.s1 : Theme.s2))

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
        x: root.inset
        y: root.sunk * Theme.ledge + (root.height - Theme.ledge - height) / 2
        width: root.width - 2 * root.inset
        spacing: root.tight ? Theme.s3 : Theme.s4

        Icon {
            visible: root.icon !== "" || root.checkable
            name: root.icon !== "" ? root.icon : root.chosen ? "square-check-big" : "square"
            size: root.tight ? Theme.icon : Theme.iconBig
            color: root.colored || root.chosen ? Theme.primary : Theme.ink
        }
        ColumnLayout {
            spacing: 0
            Label {
                kind: root.tight ? Label.Body : Label.Section
                bold: true
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
