pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// Sheets of A4: what is out, what is not, what the printer wants.
PageFrame {
    id: root

    required property SheetsPrintingModel model

    objectName: "sheets_printing"
    title: model.title
    lead: model.lead

    DeviceStage {
        crop: Machine.Slots
        part: root.model.comes ? "a4_slot" : ""
        moving: root.model.comes ? Machine.PaperOut : Machine.Still
        callout: root.model.comes ? Texts.words.sheets_printing.callout : ""
    }
    Banner {
        visible: root.model.countWords !== ""
        kind: root.model.trouble ? Banner.Trouble : Banner.Info
        icon: root.model.trouble ? "circle-alert" : "printer"
        words: root.model.countWords
    }
    Banner {
        visible: root.model.asksWords !== ""
        kind: Banner.Now
        icon: "hand"
        words: root.model.asksWords
    }
    Banner {
        visible: root.model.trouble
        icon: "shield-check"
        words: Texts.words.sheets_printing.safe
    }

    back: PushButton {
        visible: root.model.trouble
        words: Texts.words.sheets_printing.leave
        icon: "log-out"
        onActivated: root.model.finish()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.trouble ? Texts.words.sheets_printing.again : Texts.words.sheets_printing.finish
        icon: root.model.trouble ? "printer" : "check"
        busy: root.model.running
        busyWords: root.model.waitWords
        available: !root.model.running
        onActivated: root.model.trouble ? root.model.again() : root.model.finish()
    }
}
