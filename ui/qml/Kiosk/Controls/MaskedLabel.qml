import QtQuick

// A masked value: its asterisks are drawn at mid-height.
Label {
    property string shown: ""
    text: shown.replace(/\*/g, "\u2217")
    Accessible.name: shown
}
