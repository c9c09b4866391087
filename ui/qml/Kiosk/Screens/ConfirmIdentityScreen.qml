pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Masked; held, it shows everything. The card stays where it is.
PageFrame {
    id: root

    required property ConfirmIdentityModel model

    objectName: "confirm_identity"
    title: model.title
    lead: Theme.elder ? Texts.words.confirm_identity.stay : model.lead

    Card {
        padding: Theme.landscape ? Theme.s3 : Theme.s4
        spacing: Theme.landscape ? Theme.s1 : Theme.s2

        RowLayout {
            Layout.fillWidth: true
            spacing: Theme.s5

            Rectangle {
                visible: !Theme.largest && !Theme.landscape
                Layout.preferredWidth: 200
                Layout.preferredHeight: 240
                radius: Theme.rS
                color: Theme.sunken
                Icon {
                    anchors.centerIn: parent
                    name: "user-round"
                    size: parent.width * 0.7
                    color: Theme.edge
                }
            }
            GridLayout {
                columns: Theme.landscape ? 3 : 1
                columnSpacing: Theme.s4
                rowSpacing: Theme.s1
                Label {
                    visible: !Theme.elder || Theme.landscape
                    Layout.fillWidth: !Theme.landscape
                    text: Texts.words.confirm_identity.name
                    color: Theme.ink2
                }
                MaskedLabel {
                    kind: Label.Number
                    font.pixelSize: Theme.landscape ? Theme.fsNumber : Theme.bySize(96, 112, 112)
                    shown: root.model.name
                }
                StatusLabel {
                    words: root.model.validity
                }
            }
        }
        ValueRow {
            line: !Theme.landscape
            big: !Theme.landscape
            label: Texts.words.confirm_identity.number
            masked: root.model.number
        }
        ValueRow {
            line: !Theme.landscape
            big: !Theme.landscape
            label: Texts.words.confirm_identity.birth_year
            masked: root.model.birthYear
        }
        ValueRow {
            line: !Theme.landscape
            big: !Theme.landscape
            label: Texts.words.confirm_identity.address
            masked: root.model.address
        }
    }
    RevealButton {
        visible: !Theme.elder && !Theme.landscape
        words: Texts.words.common.reveal
        onRevealedChanged: root.model.reveal(revealed)
    }
    Banner {
        visible: !Theme.elder
        part: "id_plate"
        words: Texts.words.confirm_identity.stay
        detail: Texts.words.confirm_identity.stay_why
    }
    Filler {}

    back: PushButton {
        words: root.model.noWords
        icon: "arrow-left"
        available: !root.model.looking
        onActivated: root.model.notMe()
    }
    // In large type and on a low screen it stands with the actions, where no page has to be turned for it.
    middle: RevealButton {
        visible: Theme.elder || Theme.landscape
        words: Texts.words.common.reveal_short
        onRevealedChanged: root.model.reveal(revealed)
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.yesWords
        icon: "arrow-right"
        busy: root.model.looking
        busyWords: Texts.words.confirm_identity.looking
        available: !root.model.looking
        onActivated: root.model.confirm()
    }
}
