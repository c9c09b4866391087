pragma ComponentBehavior: Bound

import QtQuick
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts

// Asked only when something was entered.
Sheet {
    id: root

    required property LeaveQuestionModel model

    objectName: "leave_question"
    title: model.title
    lead: model.lead

    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.leave_question.stay
        onActivated: root.model.stay()
    }
    other: PushButton {
        words: Texts.words.leave_question.leave
        icon: "log-out"
        onActivated: root.model.leave()
    }
}
