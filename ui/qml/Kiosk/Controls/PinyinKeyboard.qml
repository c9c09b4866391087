import QtQuick
Item { implicitHeight: visible ? 10 : 0 }
