pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import QtQuick.VirtualKeyboard
import QtQuick.VirtualKeyboard.Plugins
import Kiosk.Texts
import Kiosk.Theme

// Pinyin by our own keys over Qt's pinyin engine: nothing of the engine's panel is shown, so
// there is no key that leads to settings, languages, handwriting or symbols. What is typed is
// never learned: the field says so by its hints.
Rectangle {
    id: root

    readonly property InputEngine engine: InputContext.inputEngine
    readonly property list<string> letterRows: ["qwertyuiop", "asdfghjkl", "zxcvbnm"]
    readonly property real spacing: Theme.s1
    readonly property real inset: Theme.s2
    readonly property real keyWidth: (width - 2 * inset - 9 * spacing) / 10
    readonly property real wantedKey: Theme.lettersBeside ? Theme.hMin + Theme.ledge : Theme.sideTools ? 60 : Theme.bySize(104, 104, 100)
    readonly property real besides: candidates.height + 4 * spacing + Theme.s2 + Theme.s3
    // beside the field (landscape) the keys take what height there is, down to the least target
    readonly property real keyHeight: Theme.lettersBeside ? Math.max(60, Math.min(wantedKey, (height - besides) / 4)) : wantedKey
    readonly property bool composing: InputContext.preeditText !== ""

    function press(key: int, character: string) {
        engine.virtualKeyClick(key, character, Qt.NoModifier);
    }
    function take() {
        engine.inputMethod = pinyin;
        engine.inputMode = InputEngine.InputMode.Pinyin;
    }

    color: Theme.sunken
    radius: Theme.lettersBeside ? Theme.rM : 0
    Layout.fillWidth: true
    Layout.fillHeight: Theme.lettersBeside
    Layout.minimumHeight: besides + 4 * 60
    Layout.maximumHeight: Math.max(implicitHeight, Layout.minimumHeight)
    implicitHeight: besides + 4 * wantedKey
    implicitWidth: 900
    Accessible.role: Accessible.Grouping
    Accessible.name: Texts.words.frame.keyboard

    onVisibleChanged: if (visible) take()
    Component.onCompleted: take()
    // the keyboard of the page before goes when the next one has already taken the engine
    Component.onDestruction: if (engine.inputMethod === pinyin) engine.inputMethod = null

    PinyinInputMethod {
        id: pinyin
    }

    Rectangle {
        visible: !Theme.lettersBeside
        width: root.width
        height: 2
        color: Theme.line
    }

    // -- what the letters may mean ---------------------------------------------------------
    Item {
        id: candidates
        x: root.inset
        y: Theme.s1
        width: root.width - 2 * root.inset
        height: Math.max(Theme.hMin, 96)

        readonly property real arrows: forth.width + root.spacing

        Label {
            visible: list.count === 0
            anchors.verticalCenter: parent.verticalCenter
            x: Theme.s3
            width: parent.width - 2 * Theme.s3
            kind: Label.Note
            text: Texts.words.frame.candidates
            color: Theme.ink2
        }
        ListView {
            id: list
            width: parent.width - 2 * candidates.arrows
            height: parent.height
            clip: true
            interactive: false // turned by the two keys beside it
            orientation: ListView.Horizontal
            spacing: root.spacing
            model: root.engine !== null ? root.engine.wordCandidateListModel : null
            onCountChanged: positionViewAtBeginning()

            delegate: PushButton {
                id: candidate
                required property string display
                required property int index
                objectName: "cand_" + index
                width: Math.max(Theme.hControl, implicitWidth)
                height: list.height - Theme.s1
                padding: Theme.s3
                quiet: true
                // one that is cut off begins the next row
                visible: x - list.contentX >= -1 && x - list.contentX + width <= list.width + 1
                fontSize: Theme.fsSection
                words: display
                onActivated: list.model.selectItem(candidate.index)
            }
        }
        PushButton {
            id: back
            objectName: "cand_back"
            anchors.right: forth.left
            anchors.rightMargin: root.spacing
            visible: list.count > 0
            width: Theme.hControl
            height: list.height - Theme.s1
            quiet: true
            icon: "chevron-left"
            words: ""
            Accessible.name: Texts.words.frame.page_back
            available: list.contentX > 1
            onActivated: list.contentX = Math.max(0, list.contentX - list.width)
        }
        PushButton {
            id: forth
            objectName: "cand_more"
            anchors.right: parent.right
            visible: list.count > 0
            width: Theme.hControl
            height: list.height - Theme.s1
            quiet: true
            icon: "chevron-right"
            words: ""
            Accessible.name: Texts.words.frame.key_more
            available: list.contentX + list.width < list.contentWidth - 1
            onActivated: {
                // the first candidate that is cut off begins the next row
                const cut = list.indexAt(list.contentX + list.width - 1, 1);
                const item = list.itemAtIndex(cut);
                list.contentX = item !== null && item.x > list.contentX ? item.x : list.contentX + list.width;
            }
        }
    }

    // -- keys ------------------------------------------------------------------------------------
    Column {
        x: root.inset
        y: candidates.y + candidates.height + root.spacing
        spacing: root.spacing

        Repeater {
            model: root.letterRows
            Row {
                id: line
                required property string modelData
                required property int index
                x: index === 1 ? (root.keyWidth + root.spacing) / 2 : index === 2 ? (root.keyWidth + root.spacing) * 1.5 : 0
                spacing: root.spacing
                Repeater {
                    model: line.modelData.split("")
                    PushButton {
                        required property string modelData
                        objectName: "key_" + modelData
                        width: root.keyWidth
                        height: root.keyHeight
                        quiet: true
                        padding: 0
                        fontSize: Theme.fsSection
                        words: modelData
                        onActivated: root.press(modelData.toUpperCase().charCodeAt(0), modelData)
                    }
                }
            }
        }
        Row {
            spacing: root.spacing
            PushButton {
                objectName: "key_dot"
                width: root.keyWidth * 1.5
                height: root.keyHeight
                quiet: true
                fontSize: Theme.fsSection
                words: "·"
                available: !root.composing
                onActivated: root.press(0xB7, "·")
            }
            PushButton {
                objectName: "key_space"
                width: root.keyWidth * 6 + root.spacing * 5
                height: root.keyHeight
                quiet: true
                dense: true
                fontSize: Theme.small ? Theme.fsNote : Theme.fsStrong
                words: Texts.words.frame.key_space
                available: root.composing
                onActivated: root.press(Qt.Key_Space, " ")
            }
            PushButton {
                objectName: "key_erase"
                width: root.width - 2 * root.inset - root.keyWidth * 7.5 - root.spacing * 7
                height: root.keyHeight
                quiet: true
                iconAfter: false
                icon: "delete"
                wordless: Theme.small
                words: Texts.words.frame.keypad_erase
                onActivated: root.press(Qt.Key_Backspace, "")
            }
        }
    }
}
