pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Three sizes, each shown in its size, and the strong contrast.
Sheet {
    id: root

    required property TextSizeSheetModel model

    objectName: "text_size_sheet"
    title: model.title

    Repeater {
        model: root.model.sizes
        ChoiceRow {
            required words
            required chosen
            required property string code
            checkable: true
            icon: chosen ? "circle-dot" : "circle"
            onActivated: root.model.choose(code)
        }
    }
    Rectangle {
        visible: !root.twoColumns // stands in two columns there
        Layout.fillWidth: true
        implicitHeight: 2
        color: Theme.line
    }
    ChoiceRow {
        words: Texts.words.text_size_sheet.contrast
        detail: Texts.words.text_size_sheet.contrast_lead
        checkable: true
        chosen: root.model.contrast
        onActivated: root.model.toggleContrast()
    }

    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.text_size_sheet.close
        onActivated: root.model.close()
    }
}
