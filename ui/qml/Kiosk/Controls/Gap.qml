import QtQuick
import Kiosk.Theme

Item {
    property real size: Theme.s2
    implicitHeight: size
    implicitWidth: 1
    Accessible.ignored: true
}
