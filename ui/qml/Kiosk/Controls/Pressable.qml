import QtQuick
import Kiosk.Theme

// What can be pressed: shows it in the next frame, acts when the finger leaves inside it.
Item {
    id: root

    property string words: ""
    property string description: ""
    property bool available: true
    property bool checkable: false
    property bool checked: false
    readonly property bool down: tap.pressed && available
    // 0 up, 1 down: down at once, up within tRelease
    property real sunk: 0
    readonly property bool pressable: true // tests find every target by this

    signal activated

    activeFocusOnTab: false
    Accessible.role: checkable ? Accessible.CheckBox : Accessible.Button
    Accessible.id: objectName
    Accessible.name: words
    Accessible.description: description
    Accessible.checkable: checkable
    Accessible.checked: checked
    Accessible.focusable: available
    Accessible.pressed: down
    Accessible.onPressAction: if (root.available) root.activated()
    Accessible.onToggleAction: if (root.available) root.activated()

    states: State {
        name: "down"
        when: root.down
        PropertyChanges {
            root.sunk: 1
        }
    }
    transitions: Transition {
        from: "down"
        NumberAnimation {
            property: "sunk"
            duration: Theme.tRelease
        }
    }

    TapHandler {
        id: tap
        enabled: root.visible
        acceptedButtons: Qt.LeftButton
        gesturePolicy: TapHandler.ReleaseWithinBounds
        longPressThreshold: 0 // a slow finger presses too
        onTapped: if (root.available) root.activated()
    }
}
