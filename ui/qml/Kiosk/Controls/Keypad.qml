pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Texts
import Kiosk.Theme

// Digits. Portrait: three columns; low reach: two rows of six; the bed reaches the edges.
Rectangle {
    id: root

    property bool compact: false // flatter: two rows of six, in landscape three of four
    readonly property int columns: !compact ? 3 : Theme.landscape ? 4 : 6
    readonly property real compactHeight: (Theme.landscape ? 3 : 2) * Theme.hKey + (Theme.landscape ? 2 : 1) * Theme.s2 + 2 * Theme.s3
    readonly property real regularHeight: 4 * Theme.hKey + 3 * (Theme.landscape ? Theme.s2 : Theme.gap) + 2 * Theme.s3
    readonly property int rows: 12 / columns
    readonly property real spacing: Theme.sideTools ? Theme.s1 : compact || Theme.landscape ? Theme.s2 : Theme.gap
    readonly property real inset: Theme.sideTools ? Theme.s2 : Theme.landscape ? Theme.s3 : Theme.margin
    readonly property var keys: columns === 6
                                ? ["1", "2", "3", "4", "5", "clear", "6", "7", "8", "9", "0", "erase"]
                                : columns === 4 ? ["1", "2", "3", "clear", "4", "5", "6", "erase", "7", "8", "9", "0"]
                                                : ["1", "2", "3", "4", "5", "6", "7", "8", "9", "clear", "0", "erase"]

    signal digit(string character)
    signal erase
    signal clear

    color: Theme.sunken
    radius: Theme.landscape ? Theme.rM : 0
    Layout.fillWidth: true
    Layout.fillHeight: Theme.landscape
    Layout.maximumHeight: implicitHeight
    Layout.minimumHeight: rows * Theme.hMin + (rows - 1) * spacing + 2 * Theme.s3
    implicitHeight: rows * Theme.hKey + (rows - 1) * spacing + 2 * Theme.s3
    implicitWidth: 560
    Accessible.role: Accessible.Grouping

    Rectangle {
        visible: !Theme.landscape
        width: root.width
        height: 2
        color: Theme.line
    }
    Repeater {
        model: root.keys
        PushButton {
            id: key
            required property string modelData
            required property int index
            readonly property real across: (root.width - 2 * root.inset - (root.columns - 1) * root.spacing)
                                           / root.columns
            readonly property real down1: (root.height - 2 * Theme.s3 - (root.rows - 1) * root.spacing)
                                          / root.rows
            x: root.inset + (index % root.columns) * (across + root.spacing)
            y: Theme.s3 + Math.floor(index / root.columns) * (down1 + root.spacing)
            width: across
            height: down1
            quiet: true
            padding: Theme.s1
            iconAfter: false
            stacked: root.compact
            fontSize: modelData.length === 1 ? Theme.fsNumber * 0.9
                                             : Theme.small ? Theme.fsTool : root.compact ? Theme.fsNote : Theme.fsStrong
            // above or beside its word, where there is room for both
            icon: modelData === "erase" && (stacked ? down1 > Theme.icon + 1.45 * fontSize + Theme.ledge : across > 220) ? "delete" : ""
            words: modelData === "clear" ? Texts.words.frame.keypad_clear
                   : modelData === "erase" ? Texts.words.frame.keypad_erase : modelData
            onActivated: {
                if (modelData === "clear")
                    root.clear();
                else if (modelData === "erase")
                    root.erase();
                else
                    root.digit(modelData);
            }
        }
    }
}
