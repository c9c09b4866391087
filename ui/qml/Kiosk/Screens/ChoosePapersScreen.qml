pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// An ID card, both sides on one sheet, or any other paper.
PageFrame {
    id: root

    required property ChoosePapersModel model
    readonly property bool spare: !Theme.elder || !Theme.landscape && !Theme.lowReach

    objectName: "choose_papers"
    title: model.title
    lead: model.lead

    TileGrid {
        wanted: Theme.lowReach || Theme.landscape ? 0 : 1

        Tile {
            words: Texts.words.choose_papers.card
            note: root.spare ? Texts.words.choose_papers.card_note : ""
            icon: "id-card"
            Layout.minimumHeight: Theme.lowReach || Theme.landscape ? 0 : Theme.bySize(208, 240, 240)
            onActivated: root.model.choose("card")
        }
        Tile {
            words: Texts.words.choose_papers.other
            note: root.spare ? Texts.words.choose_papers.other_note : ""
            icon: "file-text"
            Layout.minimumHeight: Theme.lowReach || Theme.landscape ? 0 : Theme.bySize(208, 240, 240)
            onActivated: root.model.choose("other")
        }
    }
    Banner {
        icon: "shield-check"
        words: root.model.promise
    }
    Filler {}

    back: PushButton {
        words: Texts.words.common.return
        icon: "arrow-left"
        onActivated: root.model.back()
    }
}
