import QtQuick
import QtQuick.Layouts
import Kiosk.Theme

// Tiles of equal height in columns that fit the width and the text size.
GridLayout {
    id: root

    property int wanted: 0 // columns; 0: by width and size
    property real least: 440 // least width of a tile
    readonly property bool splits: true // page buttons may part it between its rows

    Layout.fillWidth: true
    columns: wanted > 0 ? wanted
             : Math.max(1, Math.floor((width + Theme.gap) / (Theme.bySize(1, 1.0, 2.0) * least + Theme.gap)))
    columnSpacing: Theme.gap
    rowSpacing: Theme.gap
    uniformCellWidths: true
    uniformCellHeights: true
}
