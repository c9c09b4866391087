pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// What can be done here. The closed one stays in its place with its reason.
PageFrame {
    id: root

    required property HomeModel model

    objectName: "home"
    title: model.title
    // on a low screen in large type the services themselves take the room; help is among the tools
    lead: Theme.sideTools ? "" : model.lead

    TileGrid {
        wanted: offers.count > 4 || Theme.lowReach ? 0 : 1

        Repeater {
            id: offers
            model: root.model.tiles
            Tile {
                required words
                required note
                required icon
                required closedReason
                required big
                required property string item
                Layout.minimumHeight: offers.count > 4 || Theme.lowReach ? 0 : Theme.bySize(208, 256, 272)
                onActivated: root.model.choose(item)
            }
        }
    }
    Filler {}
    ChoiceRow {
        visible: !Theme.lowReach && !(Theme.sideTools && Theme.largest)
        words: Texts.words.home.help
        detail: Texts.words.home.first_time_lead
        icon: "circle-question-mark"
        onActivated: root.model.help()
    }
}
