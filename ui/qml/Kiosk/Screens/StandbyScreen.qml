pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// One sentence, one press. What is closed is said before anyone starts.
FocusScope {
    id: root

    required property StandbyModel model

    objectName: "standby"
    Accessible.role: Accessible.Pane
    Accessible.name: model.title

    GridLayout {
        anchors.fill: parent
        columns: Theme.landscape ? 2 : 1
        columnSpacing: 0
        rowSpacing: 0

        Rectangle {
            id: hero
            // the largest letters need the width, and the low half of a screen its height
            readonly property bool pictured: !Theme.small && !(Theme.landscape && Theme.largest) && height > 300
            // what is closed takes the height: then the title alone is left, and smaller
            readonly property real titlePx: Math.min(Theme.small ? 72 : Theme.bySize(96, 104, 108), height / 3.2)
            readonly property bool spoken: height > 2 * 1.45 * titlePx + Theme.s5 + (pictured ? 4 : 2.2) * 1.45 * Theme.fsSection
            readonly property color inkColor: Theme.byContrast(Theme.primaryInk, Theme.ink)
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.preferredWidth: Theme.landscape ? root.width * 0.46 : root.width
            color: Theme.byContrast(Theme.primary, Theme.page)
            clip: true

            Machine {
                visible: hero.pictured
                anchors.right: parent.right
                anchors.rightMargin: Theme.s5
                anchors.bottom: parent.bottom
                anchors.bottomMargin: -Theme.s5
                width: parent.width * 0.44
                height: parent.height - Theme.s3
                crop: Machine.Whole
            }
            ColumnLayout {
                x: Theme.margin
                anchors.verticalCenter: parent.verticalCenter
                width: parent.width * (hero.pictured ? 0.5 : 1) - Theme.margin
                spacing: Theme.s1

                Label {
                    kind: Label.Title
                    font.pixelSize: hero.titlePx
                    text: Texts.words.standby.title_first
                    color: hero.inkColor
                    Accessible.ignored: true
                }
                Label {
                    kind: Label.Title
                    font.pixelSize: hero.titlePx
                    text: Texts.words.standby.title_second
                    color: hero.inkColor
                    Accessible.ignored: true
                }
                Item {
                    visible: hero.spoken
                    implicitHeight: Theme.s3
                }
                Label {
                    visible: hero.spoken
                    kind: Label.Section
                    bold: false
                    text: Texts.words.standby.lead_first
                    color: hero.inkColor
                }
                Label {
                    visible: hero.spoken
                    kind: Label.Section
                    bold: false
                    text: Texts.words.standby.lead_second
                    color: hero.inkColor
                }
            }
            TapHandler {
                onTapped: root.model.start()
            }
        }
        ColumnLayout {
            Layout.fillWidth: true
            Layout.fillHeight: Theme.landscape
            Layout.margins: Theme.margin
            Layout.bottomMargin: Theme.s4
            spacing: Theme.s4

            StartButton {
                words: Texts.words.standby.start
                icon: "pointer"
                onActivated: root.model.start()
            }
            RowLayout {
                Layout.fillWidth: true
                visible: !Theme.small && (root.model.closedWords === "" || !Theme.elder && !Theme.landscape)
                spacing: Theme.gap
                uniformCellSizes: true

                Repeater {
                    model: root.model.tiles
                    ColumnLayout {
                        id: offer
                        required property string words
                        required property string note
                        required property string icon
                        required property string closedReason
                        readonly property bool closed: closedReason !== ""
                        Layout.fillWidth: true
                        Layout.alignment: Qt.AlignTop
                        spacing: 0

                        Icon {
                            Layout.alignment: Qt.AlignHCenter
                            name: offer.icon
                            size: Theme.iconBig
                            color: offer.closed ? Theme.inkOff : Theme.primary
                        }
                        Label {
                            kind: Label.Strong
                            horizontalAlignment: Text.AlignHCenter
                            text: offer.words
                            color: offer.closed ? Theme.inkOff : Theme.ink
                        }
                        Label {
                            kind: Label.Note
                            horizontalAlignment: Text.AlignHCenter
                            text: offer.closed ? offer.closedReason : offer.note
                            color: offer.closed ? Theme.trouble : Theme.ink2
                        }
                    }
                }
            }
            Banner {
                visible: root.model.closedWords !== ""
                icon: "circle-alert"
                words: root.model.closedWords
                detail: Theme.landscape && Theme.elder ? "" : root.model.closedDetail
            }
            Banner {
                visible: root.model.paperNote !== "" && !(Theme.small && Theme.largest) && (root.model.closedWords === "" || !Theme.elder || !Theme.landscape)
                icon: "receipt-text"
                words: root.model.paperNote
            }
            Item {
                Layout.fillHeight: Theme.landscape
                implicitHeight: 0
            }
        }
    }
}
