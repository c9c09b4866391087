pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// Not accepted, said so; what was entered is still here.
PageFrame {
    id: root

    required property SubmitProblemModel model

    objectName: "submit_problem"
    title: model.title
    lead: model.lead

    Banner {
        kind: Banner.Now
        icon: "hand"
        words: root.model.now
    }
    Banner {
        icon: "shield-check"
        words: root.model.kept
        detail: root.model.notAccepted
    }
    Paragraph {
        text: Texts.words.submit_problem.else
    }
    TileGrid {
        wanted: 1
        Tile {
            words: Texts.words.submit_problem.ask
            icon: "phone"
            onActivated: root.model.help()
        }
    }
    Filler {}

    back: PushButton {
        words: root.model.canGoBack ? Texts.words.common.back : root.model.leave
        icon: root.model.canGoBack ? "arrow-left" : "log-out"
        onActivated: root.model.canGoBack ? root.model.back() : root.model.goHome()
    }
    main: PushButton {
        kind: PushButton.Main
        words: root.model.submitAgain
        icon: "arrow-right"
        onActivated: root.model.again()
    }
}
