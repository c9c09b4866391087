pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// Readable by anyone: who may apply, what to bring, how long it takes.
PageFrame {
    id: root

    required property ServiceGuideModel model

    objectName: "service_guide"
    title: model.title
    lead: model.lead

    Banner {
        visible: !root.model.open
        kind: Banner.Trouble
        icon: "circle-alert"
        words: root.model.closedWords
        detail: root.model.closedDetail
    }
    GridLayout {
        Layout.fillWidth: true
        columns: Theme.elder && !Theme.landscape ? 2 : 3
        columnSpacing: Theme.gap
        rowSpacing: Theme.s2
        uniformCellWidths: true

        Fact {
            label: Texts.words.service_guide.minutes_label
            value: root.model.minutes
        }
        Fact {
            label: Texts.words.service_guide.days_label
            value: root.model.days
        }
        Fact {
            label: Texts.words.service_guide.department_label
            value: root.model.department
        }
    }
    Label {
        kind: Label.Section
        text: Texts.words.service_guide.papers
    }
    ListCard {
        Repeater {
            model: root.model.papers
            ListRow {
                id: paper
                required words
                required detail
                required icon
                required property string bringWords
                required property string bringKind

                StatusLabel {
                    kind: paper.bringKind === "bring" ? StatusLabel.Done
                          : paper.bringKind === "not_needed" ? StatusLabel.Unknown : StatusLabel.Attention
                    icon: paper.bringKind === "not_needed" ? "circle-minus"
                          : paper.bringKind === "for_another" ? "users" : ""
                    words: paper.bringWords
                }
            }
        }
    }
    Banner {
        icon: "clipboard-check"
        words: root.model.result
    }
    Banner {
        icon: "wifi-off"
        words: Texts.words.service_guide.offline
    }
    Filler {}

    back: PushButton {
        words: Texts.words.common.return
        icon: "arrow-left"
        onActivated: root.model.back()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.service_guide.begin
        icon: "arrow-right"
        available: root.model.open
        reason: Texts.words.service_guide.closed
        onActivated: root.model.begin()
    }
}
