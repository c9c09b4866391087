pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Accepted: the number, what has happened and what will, and the receipt. Where there is no paper,
// the receipt is on the screen, code and number together: first of all there where pages are turned.
PageFrame {
    id: root

    required property AcceptedModel model
    readonly property bool lying: Theme.landscape && !Theme.small && model.hasChain
    readonly property bool oneColumn: Theme.small || Theme.elder && !Theme.landscape || !model.hasChain
    readonly property bool compact: (Theme.elder || Theme.landscape) && model.paperComes
    readonly property bool onScreen: model.paperTrouble || Theme.elder && !model.paperComes
    readonly property bool narrow: Theme.small && Theme.lowReach && !Theme.elder // the card stands beside the rest
    readonly property bool followInGrid: model.toFollow !== "" && Theme.elder && !Theme.landscape && model.paperComes // before the chain, not after it
    readonly property bool followInLead: model.toFollow !== "" && onScreen && brief && !Theme.landscape // there is no room under it
    readonly property bool brief: Theme.elder && (Theme.lowReach // above what is touched is less room
                                                  || onScreen && (model.toFollow !== "" || model.mayReturn))
    // what is to be photographed fits on the first page only without it
    leadLast: onScreen && (Theme.elder && (Theme.largest || Theme.landscape || !Theme.lowReach)
                           || Theme.landscape && Theme.lowReach)

    objectName: "accepted"
    title: model.title
    mayShare: false // it stands in columns by itself
    lead: followInLead ? model.lead + Texts.words.common.sentence_gap + model.toFollow : model.lead

    // -- there is no paper: to be photographed -----------------------------------
    Card {
        // only to be seen: within reach stands what is touched
        readonly property var stageKind: Theme.lowReach && !(Theme.landscape && Theme.elder) && root.onScreen ? "seen" : undefined
        visible: root.onScreen
        lit: true
        spacing: Theme.s2
        padding: Theme.landscape && Theme.elder ? Theme.s2 : Theme.s4
        Layout.topMargin: Theme.s1
        Layout.bottomMargin: Theme.s1

        GridLayout {
            Layout.fillWidth: true
            columns: root.narrow ? 1 : 2
            columnSpacing: Theme.landscape && Theme.elder ? Theme.s3 : Theme.s5
            rowSpacing: Theme.s3

            QrCode {
                visible: root.model.hasCode
                Layout.alignment: Qt.AlignHCenter
                size: !Theme.landscape ? 320 : root.narrow ? 170 : Theme.small ? 190 : 240
                text: root.model.qrText
                words: root.model.photoWords
            }
            ColumnLayout {
                spacing: Theme.s1
                Label {
                    visible: !root.narrow
                    kind: Label.Section
                    text: root.model.photoWords
                }
                Label {
                    visible: Theme.landscape ? root.model.paperTrouble && !Theme.elder && !root.narrow : root.model.hasCode && !Theme.elder
                    text: Theme.landscape ? root.model.deliveryWords : Texts.words.accepted.photo_lead
                }
                Label {
                    visible: root.model.hasCode && !Theme.landscape && !Theme.elder // in English the number would be on the next page
                    text: Texts.words.accepted.photo_lead_second
                }
                Label {
                    visible: !Theme.landscape && !Theme.largest
                    kind: Label.Note
                    text: Texts.words.accepted.photo_also
                    color: Theme.ink2
                }
                Label {
                    visible: Theme.landscape
                    kind: Label.Number
                    text: root.model.number
                }
            }
        }
        Rectangle {
            visible: !Theme.landscape
            Layout.fillWidth: true
            implicitHeight: 2
            color: Theme.line
        }
        GridLayout {
            visible: !Theme.landscape
            Layout.fillWidth: true
            columns: Theme.elder ? 1 : 2
            columnSpacing: Theme.s3
            rowSpacing: 0
            Label {
                Layout.fillWidth: false
                text: Texts.words.common.number
                color: Theme.ink2
            }
            Label {
                kind: Label.Number
                horizontalAlignment: Theme.elder ? Text.AlignLeft : Text.AlignRight
                text: root.model.number
            }
        }
    }
    Label {
        visible: root.onScreen && Theme.largest && !Theme.landscape
        text: Texts.words.accepted.photo_also
    }

    // -- paper comes, or none is wanted ------------------------------------------
    // upright: number, then states beside the paper; lying: states beside number and paper
    GridLayout {
        visible: !root.model.paperTrouble
        Layout.fillWidth: true
        columns: root.oneColumn ? 1 : 2
        columnSpacing: Theme.s5
        rowSpacing: Theme.gap

        Card {
            visible: !root.onScreen
            Layout.row: 0
            Layout.column: root.lying ? 1 : 0
            Layout.columnSpan: root.lying || root.oneColumn ? 1 : 2
            Layout.alignment: Qt.AlignTop
            padding: Theme.landscape ? Theme.s2 : Theme.s4

            RowLayout {
                visible: !(Theme.small && Theme.elder) // there the number itself takes the page
                Layout.fillWidth: true
                Label {
                    text: Texts.words.common.number
                    color: Theme.ink2
                }
                StatusLabel {
                    words: root.model.acceptedWords
                }
            }
            Label {
                kind: Label.Number
                text: root.model.number
            }
        }
        Banner {
            visible: root.compact
            Layout.row: 1
            Layout.column: root.lying ? 1 : 0
            Layout.alignment: Qt.AlignTop
            kind: Banner.Now
            part: "receipt_slot"
            moving: Machine.PaperOut
            words: root.model.printWords
            detail: root.model.printDetail
        }
        Rectangle {
            visible: !root.compact && !root.onScreen
            Layout.row: 1
            Layout.column: root.oneColumn ? 0 : 1
            Layout.alignment: Qt.AlignTop
            Layout.preferredWidth: 420
            Layout.fillWidth: Theme.elder || Theme.landscape || !root.model.hasChain
            Layout.minimumHeight: paper.implicitHeight + 2 * Theme.s3
            radius: Theme.rL
            color: root.model.paperComes ? Theme.nowTint : Theme.surface
            border.width: root.model.paperComes ? Theme.stroke : 2
            border.color: root.model.paperComes ? Theme.nowLine : Theme.line

            GridLayout {
                id: paper
                x: Theme.s3
                y: Theme.s3
                width: parent.width - 2 * Theme.s3
                columns: Theme.landscape ? 2 : 1
                columnSpacing: Theme.s4
                rowSpacing: Theme.s2

                Machine {
                    visible: root.model.paperComes
                    Layout.fillWidth: true
                    Layout.preferredHeight: 260
                    crop: Machine.Slots
                    part: "receipt_slot"
                    moving: Machine.PaperOut
                }
                QrCode {
                    visible: !root.model.paperComes && root.model.hasCode
                    Layout.alignment: Qt.AlignHCenter
                    size: Theme.landscape ? 150 : Theme.bySize(300, 320, 320)
                    text: root.model.qrText
                    words: root.model.photoWords
                }
                ColumnLayout {
                    spacing: 0
                    Label {
                        kind: Label.Strong
                        horizontalAlignment: Theme.landscape ? Text.AlignLeft : Text.AlignHCenter
                        text: root.model.printWords
                    }
                    Label {
                        kind: Label.Note
                        horizontalAlignment: Theme.landscape ? Text.AlignLeft : Text.AlignHCenter
                        text: root.model.printDetail
                    }
                }
            }
        }
        Banner {
            visible: root.followInGrid
            Layout.row: 2
            icon: "file-plus"
            words: root.model.toFollow
            detail: root.model.toFollowDetail
        }
        ColumnLayout {
            visible: root.model.hasChain && (!root.brief || !root.onScreen) // one step a page would be turned eight times
            Layout.row: root.lying ? 0 : root.oneColumn ? 3 : 1
            Layout.rowSpan: root.lying ? 2 : 1
            Layout.column: 0
            Layout.columnSpan: root.onScreen && !root.oneColumn ? 2 : 1
            Layout.alignment: Qt.AlignTop
            spacing: 0
            Repeater {
                id: chain
                model: root.model.chain
                ChainStep {
                    required words
                    required icon
                    required property string note
                    required property string at
                    required property int index
                    stage: at === "done" ? ChainStep.Done : at === "current" ? ChainStep.Current : ChainStep.Later
                    last: index === chain.count - 1
                    detail: Theme.landscape && index > 1 ? "" : note
                }
            }
        }
    }
    Banner {
        visible: root.model.toFollow !== "" && !root.followInGrid && !root.followInLead
        icon: "file-plus"
        words: root.model.toFollow
        detail: root.model.toFollowDetail
    }
    ListCard {
        visible: !root.model.paperTrouble && !Theme.elder && !Theme.landscape
        ListRow {
            icon: "id-card"
            words: Texts.words.accepted.take_card
            aside: Texts.words.accepted.now
        }
        ListRow {
            visible: root.model.paperComes && root.model.toFollow === ""
            icon: "receipt-text"
            words: Texts.words.accepted.take_receipt
            detail: Texts.words.accepted.take_receipt_lead
        }
    }

    // -- the paper does not come --------------------------------------------------
    TileGrid {
        visible: root.model.paperTrouble && !Theme.landscape && !Theme.elder
        least: 400

        Tile {
            visible: root.model.canPrintAgain
            words: Texts.words.accepted.print_again
            icon: "printer"
            closedReason: root.model.cardThere ? "" : Texts.words.accepted.put_back
            onActivated: root.model.printAgain()
        }
        Tile {
            words: Texts.words.accepted.ask
            icon: "phone"
            onActivated: root.model.help()
        }
    }
    ListCard {
        visible: root.model.paperTrouble && !Theme.elder && !Theme.landscape
        ListRow {
            icon: "check"
            words: root.model.deliveryWords
            detail: root.model.deliveryDetail
        }
        ListRow {
            visible: !root.model.paperUnsure
            icon: "bell"
            words: Texts.words.accepted.staff
        }
    }
    Filler {
        visible: !Theme.landscape
    }

    back: PushButton {
        visible: root.model.mayReturn || !root.model.paperTrouble && root.model.mayRate && !root.model.finishing
        words: root.model.mayReturn ? Texts.words.common.return : Texts.words.accepted.skip
        icon: root.model.mayReturn ? "arrow-left" : "log-out"
        onActivated: root.model.mayReturn ? root.model.back() : root.model.finish()
    }
    middle: PushButton {
        visible: (Theme.landscape || Theme.elder) && root.model.canPrintAgain // else a tile
        words: Texts.words.accepted.print_again
        icon: "printer"
        available: root.model.cardThere
        reason: Texts.words.accepted.put_back
        onActivated: root.model.printAgain()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.mainWords
        icon: "arrow-right"
        busy: root.model.finishing
        busyWords: Texts.words.accepted.finishing
        available: !root.model.finishing
        onActivated: root.model.goOn()
    }
}
