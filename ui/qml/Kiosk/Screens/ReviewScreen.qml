pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Everything once more, each group with its own way to change it.
PageFrame {
    id: root

    required property ReviewModel model

    objectName: "review"
    title: model.title
    lead: model.lead
    readFirst: true
    spacing: Theme.s2

    Repeater {
        model: root.model.groups
        Card {
            id: group
            required property string code
            required property string words
            required property Rows lines
            required property list<string> images
            required property string changeName
            title: words
            padding: Theme.s3
            spacing: 0
            action: code === "" ? null : change

            PushButton {
                id: change
                visible: group.code !== ""
                kind: PushButton.Inline
                icon: "pencil"
                words: Texts.words.review.change
                Accessible.name: group.changeName
                onActivated: root.model.change(group.code)
            }
            RowLayout {
                readonly property bool splits: true // page buttons may part it between its lines
                Layout.fillWidth: true
                spacing: Theme.s4

                ColumnLayout {
                    Layout.alignment: Qt.AlignTop
                    spacing: Theme.s1
                    Repeater {
                        model: group.lines
                        ValueRow {
                            required label
                            labelWidth: Theme.bySize(320, 340, 340)
                            required property string value
                            masked: value
                        }
                    }
                }
                Repeater {
                    model: group.images
                    PageImage {
                        required property string modelData
                        key: modelData
                        Layout.fillWidth: false
                        Layout.fillHeight: false
                        Layout.minimumHeight: 0
                        Layout.preferredWidth: 170
                        Layout.preferredHeight: 130
                    }
                }
            }
        }
    }
    Filler {}

    back: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        onActivated: root.model.back()
    }
    middle: RevealButton {
        words: Texts.words.common.reveal_short
        onRevealedChanged: root.model.reveal(revealed)
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.confirmWords
        icon: root.model.toSign ? "pen-line" : "arrow-right"
        onActivated: root.model.confirm()
    }
}
