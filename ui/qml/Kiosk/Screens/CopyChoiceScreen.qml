pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// How many copies, in colour or grey.
PageFrame {
    id: root

    required property CopyChoiceModel model

    objectName: "copy_choice"
    title: model.title
    lead: model.lead

    TileGrid {
        wanted: Theme.elder || Theme.largest ? Math.min(numbers.count, 3) : numbers.count

        Repeater {
            id: numbers
            model: root.model.copies
            Tile {
                required words
                required chosen
                required property int copies
                onActivated: root.model.setCopies(copies)
            }
        }
    }
    Label {
        visible: root.model.mayColour
        kind: Label.Section
        text: Texts.words.copy_choice.colour_title
    }
    TileGrid {
        visible: root.model.mayColour
        least: 360

        Tile {
            words: Texts.words.copy_choice.colour
            note: Texts.words.copy_choice.colour_note
            icon: "palette"
            chosen: !root.model.grey
            onActivated: root.model.setGrey(false)
        }
        Tile {
            words: Texts.words.copy_choice.grey
            note: Texts.words.copy_choice.grey_note
            icon: "contrast"
            chosen: root.model.grey
            onActivated: root.model.setGrey(true)
        }
    }
    Filler {}

    back: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        onActivated: root.model.back()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.printWords
        icon: "printer"
        onActivated: root.model.go()
    }
}
