pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The live plate, one sentence of advice, and the list of what is taken and what is missing.
PageFrame {
    id: root

    required property CapturePageModel model

    objectName: "capture_page"
    title: model.title

    PreviewView {
        words: Texts.words.capture_page.live_name
        liveWords: Texts.words.frame.live
        corners: root.model.corners
        troubleArea: root.model.troubleArea
        troubleWords: root.model.troubleWords
        takenPapers: root.model.takenPapers
        takenWords: Texts.words.capture_page.taken
        good: root.model.good
    }
    Banner {
        kind: root.model.good ? Banner.Info : root.model.cameraLost ? Banner.Trouble : Banner.Now
        part: "document_plate"
        words: root.model.adviceWords
        detail: root.model.adviceDetail
    }
    Label {
        visible: !Theme.elder
        kind: Label.Section
        text: root.model.countWords
    }
    ListCard {
        visible: papers.count > 1 || !Theme.elder
        Repeater {
            id: papers
            model: root.model.lines
            ListRow {
                id: line
                required words
                required current
                required property string at
                required property string stateWords
                icon: "file-text"

                StatusLabel {
                    kind: line.at === "ahead" ? StatusLabel.Unknown : StatusLabel.Done
                    icon: line.at === "current" ? "camera" : ""
                    words: line.stateWords
                }
            }
        }
    }

    back: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        available: !root.model.taking
        onActivated: root.model.back()
    }
    middle: PushButton {
        visible: root.model.goOnWords !== ""
        words: root.model.goOnWords
        available: !root.model.taking
        onActivated: root.model.goOn()
    }
    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.capture_page.take
        icon: "camera"
        busy: root.model.taking
        busyWords: Texts.words.capture_page.taking
        available: root.model.mayTake && !root.model.taking
        onActivated: root.model.take()
    }
}
