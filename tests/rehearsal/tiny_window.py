"""A window with two pages, an overlay and a place to sign: something for the robot to look at.

Run as a program. What is done to it is printed, one word a line.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtQml import QQmlApplicationEngine

QML = """
import QtQuick
import QtQuick.Controls.Basic

Window {
    id: window
    width: 1080; height: 1920; visible: true; visibility: Window.FullScreen; color: "white"
    property bool asking: false

    component Key: Rectangle {
        id: key
        property string words
        property string code
        property bool on: true
        signal pressed()
        width: 300; height: 120; color: tap.pressed ? "grey" : "lightgrey"
        Accessible.role: Accessible.Button
        Accessible.name: words
        Accessible.id: code
        enabled: on
        Text { anchors.centerIn: parent; text: key.words }
        TapHandler { id: tap; onTapped: key.pressed() }
    }

    Loader {
        id: pages
        anchors.fill: parent
        sourceComponent: standby
        enabled: !window.asking
    }
    Component {
        id: standby
        Item {
            Accessible.role: Accessible.Pane
            Accessible.name: "开始"
            Accessible.id: "standby"
            Key { x: 100; y: 300; words: "开始办"; code: "start"; onPressed: { heard.say("start"); pages.sourceComponent = home } }
        }
    }
    Component {
        id: home
        Item {
            Accessible.role: Accessible.Pane
            Accessible.name: "办什么"
            Accessible.id: "home"
            Key { x: 100; y: 100; words: "高龄津贴申领"; code: "choose_item:old_age_allowance"; onPressed: heard.say("item") }
            Key { x: 100; y: 300; words: "办不了"; code: "closed"; on: false; onPressed: heard.say("closed") }
            Key { x: 500; y: 300; visible: false; words: "看不见"; code: "hidden" }
            Key { x: 600; y: 1500; words: "下一步"; onPressed: window.asking = true }
            TextField {
                x: 100; y: 500; width: 500; text: "138 0013"
                Accessible.id: "edit_field:phone"
                Accessible.name: "本人手机号"
            }
            Rectangle {
                x: 100; y: 800; width: 800; height: 400; color: "beige"
                Accessible.role: Accessible.Graphic
                Accessible.name: "签名"
                Accessible.id: "sign_strokes"
                MouseArea {
                    anchors.fill: parent
                    property int moves: 0
                    onPressed: moves = 0
                    onPositionChanged: moves += 1
                    onReleased: heard.say(moves > 10 ? "stroke" : "dot")
                }
            }
        }
    }
    Item {
        anchors.fill: parent
        visible: window.asking
        Accessible.role: Accessible.Pane
        Accessible.name: "还在吗"
        Accessible.id: "idle_warning"
        Rectangle { anchors.fill: parent; color: "#80000000" }
        MouseArea { anchors.fill: parent }
        Key { x: 100; y: 900; words: "继续"; code: "stay"; onPressed: { heard.say("stay"); window.asking = false } }
    }
}
"""


class Heard(QObject):
    @Slot(str)
    def say(self, word: str) -> None:
        print(word, flush=True)


def main() -> int:
    application = QGuiApplication(sys.argv)
    heard = Heard()
    engine = QQmlApplicationEngine()
    engine.rootContext().setContextProperty("heard", heard)
    engine.loadData(QML.encode())
    return application.exec() if engine.rootObjects() else 1


if __name__ == "__main__":
    sys.exit(main())
