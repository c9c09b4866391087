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
    readonly property bool withPhoto: model.photo !== "" && photo.status === Image.Ready

    objectName: "confirm_identity"
    title: model.title
    // where pages are turned the first one says whose card it is
    leadLast: Theme.landscape && Theme.elder
    mayShare: !Theme.elder
    lead: Theme.elder || Theme.small ? Texts.words.confirm_identity.stay : model.lead

    Card {
        padding: Theme.landscape ? Theme.s3 : Theme.s4
        spacing: Theme.landscape ? Theme.s1 : Theme.s2

        RowLayout {
            Layout.fillWidth: true
            spacing: Theme.s5

            Rectangle {
                // on a low screen only where it shows something
                visible: !Theme.largest && (!Theme.landscape || root.withPhoto && !Theme.elder)
                Layout.preferredWidth: Theme.landscape ? 90 : 200
                Layout.preferredHeight: Theme.landscape ? 108 : 240
                radius: Theme.rS
                color: Theme.sunken
                Accessible.role: Accessible.Graphic
                Accessible.name: Texts.words.confirm_identity.photo

                Icon {
                    visible: !root.withPhoto
                    anchors.centerIn: parent
                    name: "user-round"
                    size: parent.width * 0.7
                    color: Theme.edge
                }
                Image {
                    id: photo
                    visible: root.withPhoto
                    anchors.fill: parent
                    anchors.margins: Theme.s1
                    fillMode: Image.PreserveAspectFit
                    source: root.model.photo === "" ? "" : "image://page/" + root.model.photo
                    sourceSize: Qt.size(width, height)
                    cache: false
                    Accessible.ignored: true
                }
            }
            GridLayout {
                columns: Theme.landscape ? 3 : 1
                columnSpacing: Theme.s4
                rowSpacing: Theme.s1
                Label {
                    visible: (!Theme.elder || Theme.landscape) && !Theme.small
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
        visible: !Theme.elder && !Theme.small
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
