pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The receipt's code is held where the light is.
PageFrame {
    id: root

    required property ScanReceiptModel model

    objectName: "scan_receipt"
    title: model.title
    lead: model.lead

    Banner {
        visible: root.model.problemWords !== ""
        kind: Banner.Trouble
        icon: "circle-alert"
        words: root.model.problemWords
        detail: root.model.problemNow
    }
    DeviceStage {
        part: "scanner"
        moving: root.model.asking ? Machine.Still : Machine.CodeHeld
        callout: Texts.words.scan_receipt.callout
    }
    Banner {
        icon: "shield-check"
        words: Texts.words.scan_receipt.private
    }
    Label {
        text: Texts.words.scan_receipt.without
        color: Theme.ink2
    }

    back: PushButton {
        words: Texts.words.common.return
        icon: "arrow-left"
        onActivated: root.model.back()
    }
}
