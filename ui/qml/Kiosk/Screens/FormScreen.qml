pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// One question. One field is lit; its keys stand ready below.
PageFrame {
    id: root

    required property FormModel model

    // on a low screen in large type the question is the label of its one field
    readonly property bool crowded: Theme.landscape && Theme.elder && fields.count === 1

    objectName: "form"
    title: model.title
    untitled: Theme.sideTools && model.withPinyin && model.wrong // letters, box and what is wrong fill the screen
    typed: model.typed
    // with keys below there is no room, in large type or on a low screen, for more than the question
    lead: (Theme.elder || Theme.landscape) && (model.withKeypad || model.withPinyin) ? "" : model.lead
    spacing: crowded ? 0 : Theme.bySize(Theme.s4, Theme.s3, Theme.s3)

    Repeater {
        id: fields
        model: root.model.fields
        ColumnLayout {
            id: entry
            required property string code
            required property bool byPinyin
            required property string label
            required property string value
            required property string hint
            required property string note
            required property string aside
            required property bool editing
            required property string error
            required property int maximumLength
            Layout.fillWidth: true
            spacing: 0

            Field {
                visible: !entry.byPinyin
                label: entry.label
                unlabelled: root.crowded
                value: entry.value
                hint: entry.hint
                note: entry.note
                aside: entry.aside
                editing: entry.editing
                error: entry.error
                onActivated: root.model.edit(entry.code)
            }
            Loader {
                Layout.fillWidth: true
                active: entry.byPinyin
                visible: active
                sourceComponent: NameField {
                    label: entry.label
                    unlabelled: root.crowded
                    value: entry.value
                    hint: entry.hint
                    note: entry.note
                    aside: entry.aside
                    editing: entry.editing
                    error: entry.error
                    maximumLength: entry.maximumLength
                    onActivated: root.model.edit(entry.code)
                    onEdited: text => root.model.write(entry.code, text)
                }
            }
        }
    }
    Repeater {
        model: root.model.options
        ColumnLayout {
            id: option
            required property string field
            required property string code
            required property string label
            required property string words
            required property bool chosen
            Layout.fillWidth: true
            spacing: Theme.s2

            Label {
                visible: text !== ""
                bold: true
                text: option.label
            }
            ChoiceRow {
                words: option.words
                chosen: option.chosen
                checkable: true
                onActivated: root.model.choose(option.field, option.code)
            }
        }
    }
    Filler {}

    dock: [
        Keypad {
            visible: root.model.withKeypad
            onDigit: character => root.model.digit(character)
            onErase: root.model.erase()
            onClear: root.model.clear()
        },
        PinyinKeyboard {
            visible: root.model.withPinyin
        }
    ]
    back: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        onActivated: root.model.back()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.common.next
        icon: "arrow-right"
        onActivated: root.model.next()
    }
}
