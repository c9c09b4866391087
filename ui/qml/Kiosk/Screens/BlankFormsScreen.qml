pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Forms to be filled in at home.
PageFrame {
    id: root

    required property BlankFormsModel model

    objectName: "blank_forms"
    title: model.title
    lead: model.lead

    TileGrid {
        wanted: offers.count > 4 || Theme.lowReach && !Theme.elder || Theme.landscape ? 0 : 1

        Repeater {
            id: offers
            model: root.model.forms
            Tile {
                required words
                required property string detail
                note: Theme.elder && (Theme.landscape || Theme.lowReach) ? "" : detail
                required property string code
                icon: "file-text"
                onActivated: root.model.choose(code)
            }
        }
    }
    Filler {}

    back: PushButton {
        words: Texts.words.common.return
        icon: "arrow-left"
        onActivated: root.model.back()
    }
}
