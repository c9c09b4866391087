pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The same person applied for the same thing a short while ago: what it lacks is handed in here, and
// its receipt printed again.
PageFrame {
    id: root

    required property EarlierApplicationModel model

    objectName: "earlier_application"
    title: model.title
    lead: model.lead
    mayShare: !Theme.small // half of it is too narrow for the number
    leadLast: Theme.elder || Theme.small // number and what is asked for come first

    Card {
        readonly property var stageKind: Theme.small ? undefined : "seen" // a small screen has no room beside it
        spacing: Theme.s2
        padding: Theme.elder ? Theme.s3 : Theme.s4

        Label {
            visible: !(Theme.small && Theme.elder) // there the number itself takes the room
            text: Texts.words.common.number
            color: Theme.ink2
        }
        Label {
            kind: Label.Number
            text: root.model.number
        }
    }
    Banner {
        visible: root.model.mayHandIn
        kind: Banner.Now
        icon: "file-plus"
        words: root.model.papersWords
        detail: root.model.papersDetail
    }
    Card {
        readonly property var stageKind: Theme.landscape && !Theme.small && !Theme.elder && !Theme.lowReach ? "seen" : undefined
        spacing: Theme.s2

        ValueRow {
            big: true
            label: Texts.words.earlier_application.accepted
            masked: root.model.acceptedAt
        }
        ValueRow {
            line: true
            big: true
            label: Texts.words.earlier_application.state
            masked: root.model.state
        }
    }
    Banner {
        visible: root.model.tip !== ""
        icon: "search"
        words: root.model.tip
    }
    TileGrid {
        visible: root.model.mayPrint || root.model.mayHandIn
        least: 400
        Tile {
            visible: root.model.mayPrint
            words: Texts.words.earlier_application.print
            note: root.model.printNote
            icon: "printer"
            closedReason: root.model.cardThere ? "" : Texts.words.earlier_application.put_back
            onActivated: root.model.printAgain()
        }
        Tile {
            visible: root.model.mayHandIn
            words: Texts.words.earlier_application.again
            icon: "rotate-ccw"
            onActivated: root.model.applyAgain()
        }
    }
    Filler {}

    back: PushButton {
        readonly property bool ends: root.model.mayHandIn || root.model.refused
        words: ends ? root.model.finishWords : Texts.words.earlier_application.again
        icon: ends ? "log-out" : "rotate-ccw"
        onActivated: ends ? root.model.finish() : root.model.applyAgain()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.mayHandIn ? Texts.words.earlier_application.hand_in
               : root.model.refused ? Texts.words.earlier_application.again : root.model.finishWords
        icon: root.model.mayHandIn || root.model.refused ? "arrow-right" : "check"
        available: !root.model.mayHandIn || root.model.cardThere
        reason: Texts.words.earlier_application.put_back
        onActivated: {
            if (root.model.mayHandIn)
                root.model.handIn();
            else if (root.model.refused)
                root.model.applyAgain();
            else
                root.model.finish();
        }
    }
}
