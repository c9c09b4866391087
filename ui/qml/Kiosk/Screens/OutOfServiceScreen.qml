pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// Nothing can be done here now; where else to go.
PageFrame {
    id: root

    required property OutOfServiceModel model

    objectName: "out_of_service"
    title: model.title
    lead: model.lead

    Repeater {
        model: root.model.reasons
        Banner {
            required words
            kind: Banner.Trouble
            icon: "circle-alert"
        }
    }
    DeviceStage {
        crop: Machine.Whole
    }
    ChoiceRow {
        words: Texts.words.out_of_service.ask
        icon: "phone"
        onActivated: root.model.help()
    }
}
