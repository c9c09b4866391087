pragma ComponentBehavior: Bound

import QtQuick
import QtQuick.Layouts
import Kiosk.Controls
import Kiosk.Models
import Kiosk.Texts
import Kiosk.Theme

// What to do on the page below, in two or three sentences, and a number to call.
Sheet {
    id: root

    required property HelpSheetModel model

    objectName: "help_sheet"
    title: model.title
    centred: false
    twoColumns: Theme.landscape && Theme.elder && !Theme.largest

    Repeater {
        id: sentences
        model: root.model.lines
        RowLayout {
            id: sentence
            required property string words
            required property int index
            Layout.fillWidth: true
            spacing: Theme.s3

            Rectangle {
                Layout.alignment: Qt.AlignTop
                implicitWidth: Theme.icon + Theme.s1
                implicitHeight: implicitWidth
                radius: width / 2
                color: Theme.primaryTint
                border.width: Theme.thin
                border.color: Theme.primary
                Label {
                    anchors.fill: parent
                    horizontalAlignment: Text.AlignHCenter
                    verticalAlignment: Text.AlignVCenter
                    bold: true
                    font.pixelSize: Theme.icon * 0.7
                    text: sentence.index + 1
                    color: Theme.primary
                    Accessible.ignored: true
                }
            }
            Label {
                kind: Label.Strong
                bold: false
                text: sentence.words
            }
        }
    }
    Rectangle {
        visible: !root.twoColumns // stands in two columns there
        Layout.fillWidth: true
        implicitHeight: 2
        color: Theme.line
    }
    RowLayout {
        Layout.fillWidth: true
        spacing: Theme.s3

        Icon {
            name: "phone"
            size: Theme.icon
            color: Theme.primary
        }
        Label {
            kind: Label.Strong
            bold: false
            text: Texts.words.help_sheet.phone
        }
        Label {
            Layout.fillWidth: false
            kind: Label.Number
            text: root.model.phone
        }
    }

    main: PushButton {
        kind: PushButton.Main
        words: Texts.words.help_sheet.close
        onActivated: root.model.close()
    }
}
