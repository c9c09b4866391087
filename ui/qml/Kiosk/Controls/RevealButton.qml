import QtQuick
import QtQuick.Layouts

// Personal values are shown only while this is held.
PushButton {
    id: root

    readonly property bool revealed: down

    Layout.fillWidth: true
    icon: revealed ? "eye" : "eye-off"
}
