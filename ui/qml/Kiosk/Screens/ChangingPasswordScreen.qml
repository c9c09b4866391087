pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// A moment of work: what happens, and that the card must stay.
PageFrame {
    id: root

    required property ChangingPasswordModel model

    objectName: "changing_password"
    title: model.title
    lead: model.lead

    DeviceStage {
        part: "card_slot"
        callout: Texts.words.changing_password.callout
    }
    Banner {
        kind: Banner.Now
        icon: "hand"
        words: Texts.words.changing_password.stay
    }
}
