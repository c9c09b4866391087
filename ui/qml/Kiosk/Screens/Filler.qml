import QtQuick
import QtQuick.Layouts

// Takes the height that is left, so that the blocks above stay together at the top.
Item {
    Layout.fillWidth: true
    Layout.fillHeight: true
    implicitHeight: 0
    implicitWidth: 0
}
