pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// The live plate: one paper after the other, and how many there are.
PageFrame {
    id: root

    required property LayPapersModel model

    objectName: "lay_papers"
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
        visible: !(Theme.small && Theme.elder) // the picture needs the room
        kind: Label.Section
        text: root.model.countWords
    }

    back: PushButton {
        words: root.model.count > 0 ? Texts.words.lay_papers.remove : Texts.words.common.back
        icon: root.model.count > 0 ? "undo-2" : "arrow-left"
        available: !root.model.taking
        onActivated: root.model.count > 0 ? root.model.remove() : root.model.back()
    }
    middle: PushButton {
        visible: root.model.count > 0
        words: Texts.words.capture_page.take
        icon: "camera"
        busy: root.model.taking
        busyWords: Texts.words.capture_page.taking
        available: root.model.mayTake && !root.model.taking
        onActivated: root.model.take()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.count > 0 ? root.model.doneWords : Texts.words.capture_page.take
        icon: root.model.count > 0 ? "arrow-right" : "camera"
        busy: root.model.count === 0 && root.model.taking
        busyWords: Texts.words.capture_page.taking
        available: !root.model.taking && (root.model.count > 0 || root.model.mayTake)
        onActivated: root.model.count > 0 ? root.model.done() : root.model.take()
    }
}
