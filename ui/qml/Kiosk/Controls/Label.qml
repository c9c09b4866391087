import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// Text to read. Plain, wrapping, never cut off.
Text {
    id: root

    enum Kind { Note, Body, Strong, Section, Title, Number, Field }

    property int kind: Label.Body
    property bool bold: kind === Label.Section || kind === Label.Title || kind === Label.Number
                        || kind === Label.Field || kind === Label.Strong
    readonly property real lineStep: metrics.height * lineHeight // where a long text may be split

    function size(wanted: int): real {
        switch (wanted) {
        case Label.Note:
            return Theme.fsNote;
        case Label.Strong:
            return Theme.fsStrong;
        case Label.Section:
            return Theme.fsSection;
        case Label.Title:
            return Theme.fsTitle;
        case Label.Number:
            return Theme.fsNumber;
        case Label.Field:
            return Theme.fsField;
        default:
            return Theme.fsBody;
        }
    }

    Layout.fillWidth: true
    textFormat: Text.PlainText
    // a number is not broken but set smaller
    wrapMode: kind === Label.Number ? Text.NoWrap : Text.Wrap
    fontSizeMode: kind === Label.Number ? Text.HorizontalFit : Text.FixedSize
    minimumPixelSize: Theme.fsBody
    color: Theme.ink
    font.family: Theme.family
    font.pixelSize: size(kind)
    font.weight: bold ? Font.Bold : Font.Normal
    // The family's own line is 1.448 of its size: look.md asks 1.3 (elder 1.4) for titles, else
    // 1.4 (elder 1.45).
    lineHeight: kind === Label.Title && !Theme.elder ? 0.93 : Theme.elder ? 1.01 : 1
    Accessible.role: Accessible.StaticText
    Accessible.name: text
    Accessible.ignored: text === ""

    FontMetrics {
        id: metrics
        font: root.font
    }
}
