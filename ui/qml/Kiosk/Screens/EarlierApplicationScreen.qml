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
    leadLast: model.mayHandIn && (Theme.elder || Theme.small) && !Theme.lowReach // what is asked for comes first

    Banner {
        visible: root.model.mayHandIn
        kind: Banner.Now
        icon: "file-plus"
        words: root.model.papersWords
        detail: root.model.papersDetail
    }
    Card {
        spacing: Theme.s2

        Label {
            text: Texts.words.common.number
            color: Theme.ink2
        }
        Label {
            kind: Label.Number
            text: root.model.number
        }
        ValueRow {
            line: true
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
        icon: root.model.unprinted ? "receipt-text" : "search"
        words: root.model.tip
    }
    TileGrid {
        visible: root.model.mayPrint || root.model.mayHandIn
        least: 400
        Tile {
            visible: root.model.mayPrint
            words: Texts.words.earlier_application.print
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
