pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// What it is, that nothing was changed, what to do now.
PageFrame {
    id: root

    required property SocialCardProblemModel model

    objectName: "social_card_problem"
    title: model.title
    lead: model.lead

    Banner {
        kind: Banner.Now
        icon: "hand"
        words: root.model.now
    }
    DeviceStage {
        visible: root.model.takeOut
        part: "card_slot"
        callout: Texts.words.social_card_problem.callout
    }
    Filler {
        visible: !root.model.takeOut
    }

    back: PushButton {
        words: Texts.words.card_problem.finish
        icon: "log-out"
        onActivated: root.model.goHome()
    }
    main: PushButton {
        words: Texts.words.common.back
        icon: "arrow-left"
        iconAfter: false
        onActivated: root.model.back()
    }
}
