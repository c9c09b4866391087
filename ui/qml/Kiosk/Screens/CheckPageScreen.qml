pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// The straightened page: keep it, or take it again.
PageFrame {
    id: root

    required property CheckPageModel model

    objectName: "check_page"
    title: model.title
    lead: model.lead

    PageImage {
        visible: !root.model.hidden
        key: root.model.image
        words: root.model.pictureWords
        troubleArea: root.model.troubleArea
        troubleWords: root.model.troubleWords
    }
    DeviceStage {
        visible: root.model.hidden
        part: "id_plate"
        moving: Machine.CardDown
        callout: Texts.words.place_id_card.callout
    }
    Banner {
        visible: root.model.good && !root.model.hidden
        icon: "circle-check"
        words: root.model.adviceWords
    }

    back: PushButton {
        words: Texts.words.check_page.retake
        icon: "camera"
        onActivated: root.model.retake()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.keepWords
        icon: "check"
        busy: root.model.comparing
        busyWords: Texts.words.check_page.comparing
        available: !root.model.comparing && !root.model.hidden // nobody says of a picture that they do not see that it is clear
        reason: Texts.words.check_page.put_back
        onActivated: root.model.keep()
    }
}
