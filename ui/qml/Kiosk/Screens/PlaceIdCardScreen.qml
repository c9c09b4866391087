pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The drawing is the instruction; the words only say it again.
PageFrame {
    id: root

    required property PlaceIdCardModel model

    objectName: "place_id_card"
    title: model.title
    lead: model.lead

    DeviceStage {
        part: "id_plate"
        moving: root.model.reading ? Machine.CardLying : Machine.CardDown
        callout: root.model.callout
    }
    Waiting {
        seconds: root.model.secondsLeft
        ofSeconds: root.model.reading ? 0 : root.model.ofSeconds
        words: root.model.reading ? Texts.words.place_id_card.reading : Texts.words.place_id_card.waiting
        detail: root.model.reading ? Texts.words.place_id_card.reading_lead : root.model.waitingDetail

        PushButton {
            visible: !root.model.reading
            Layout.fillWidth: true
            words: Texts.words.place_id_card.keep_waiting
            onActivated: root.model.keepWaiting()
        }
    }
    Label {
        visible: !root.model.reading && !Theme.elder
        bold: true
        text: root.model.mayActForRelative ? Texts.words.place_id_card.or : Texts.words.place_id_card.or_plain
    }
    TileGrid {
        visible: !root.model.reading && !Theme.elder
        least: 380

        Tile {
            visible: root.model.mayActForRelative
            words: Texts.words.place_id_card.for_relative
            icon: "users"
            onActivated: root.model.forRelative()
        }
        Tile {
            words: Texts.words.place_id_card.ask
            icon: "circle-question-mark"
            onActivated: root.model.help()
        }
    }

    back: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        available: !root.model.reading
        onActivated: root.model.back()
    }
    main: PushButton {
        visible: Theme.elder && root.model.mayActForRelative && !root.model.reading
        words: Texts.words.place_id_card.for_relative
        icon: "users"
        iconAfter: false
        onActivated: root.model.forRelative()
    }
}
