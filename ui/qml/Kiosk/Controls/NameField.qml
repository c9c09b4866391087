pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Theme

// A field typed with the pinyin keyboard of the page. It remembers nothing of its own.
Field {
    id: root

    property int maximumLength: 30

    typedInside: true

    signal edited(string text)

    onEditingChanged: input.follow()
    onValueChanged: if (input.text !== value) input.text = value
    Component.onCompleted: {
        input.text = value;
        input.follow();
    }

    TextInput {
        id: input

        function follow() {
            if (root.editing)
                forceActiveFocus();
            else
                focus = false;
        }

        parent: root.box
        anchors.fill: parent
        anchors.leftMargin: Theme.s4
        anchors.rightMargin: Theme.s4
        visible: root.editing
        enabled: root.editing
        verticalAlignment: TextInput.AlignVCenter
        font.family: Theme.family
        font.pixelSize: root.valueSize
        font.weight: Font.Bold
        color: Theme.ink
        selectByMouse: false
        persistentSelection: false
        maximumLength: root.maximumLength
        // neither learned nor guessed ahead: the next person is not offered this name
        inputMethodHints: Qt.ImhSensitiveData | Qt.ImhNoPredictiveText
        cursorDelegate: Rectangle {
            width: 6
            color: Theme.nowLine
            visible: input.activeFocus
        }
        onTextChanged: if (activeFocus && text !== root.value) root.edited(text)
        Accessible.role: Accessible.EditableText
        Accessible.name: root.label
    }
}
