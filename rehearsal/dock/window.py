"""The dock's window: plain buttons for what one's hands would do beside the terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from rehearsal.dock import immortal
from rehearsal.dock.desk import Desk
from rehearsal.existing import ExistingTown
from rehearsal.processes import die_with_parent

DEVICE_NAMES = {
    "id_reader": "读卡器 / ID reader",
    "camera": "高拍仪 / camera",
    "code_scanner": "扫码器 / scanner",
    "receipt_printer": "回执打印机 / printer",
    "keypad": "评价器 / keypad",
    "io_board": "指示灯 / guide lights",
}
LAMP_NAMES = {
    "reader": "读卡处\nreader",
    "plate": "放纸处\nplate",
    "scanner": "扫码处\nscanner",
    "printer": "回执口\nprinter",
    "keypad": "评价器\nkeypad",
    "fill_light": "补光灯\nlight",
}
LEVELS = (
    ("5", "非常满意 5"),
    ("4", "满意 4"),
    ("3", "基本满意 3"),
    ("2", "不满意 2"),
    ("1", "非常不满意 1"),
    ("skip", "跳过 skip"),
)
RECEIPT_WIDTH = 340
ROLL_MM = 50_000  # of a new roll
STYLE = """
QWidget { font-family: "Noto Sans CJK SC"; font-size: 14px; color: #10242A; }
QWidget#dock, QScrollArea, QWidget#inner { background: #F5F4EF; }
QGroupBox { background: white; border: 1px solid #D3D3CA; border-radius: 8px;
            margin-top: 22px; padding: 10px 8px 6px 8px; font-weight: bold; }
QGroupBox::title { subcontrol-origin: margin; left: 4px; top: 2px; }
QPushButton { background: white; border: 1px solid #738387; border-bottom: 3px solid #738387;
              border-radius: 6px; padding: 6px 10px; min-height: 22px; font-weight: normal; }
QPushButton:pressed { background: #DFEDEF; border-bottom: 1px solid #738387; }
QPushButton:disabled { color: #56666C; border: 1px dashed #738387; }
QLabel#state { color: #3B4E55; font-weight: normal; }
QLabel#lamp { background: #E4E4DD; color: #3B4E55; border: 1px solid #D3D3CA; border-radius: 8px;
              padding: 6px 2px; font-weight: normal; font-size: 13px; }
QLabel#lamp[lit="true"] { background: #FFD84D; color: #10242A; border: 2px solid #B25000; font-weight: bold; }
QProgressBar { border: 1px solid #738387; border-radius: 4px; background: #F5F4EF; height: 18px; text-align: center;
               font-weight: normal; font-size: 13px; }
QProgressBar::chunk { background: #9CCBD2; }
QLabel#said { background: #FFF1D2; border: 1px solid #B25000; border-radius: 6px; padding: 8px; }
"""


class Relay(QObject):
    """From the desk's thread to the window's, by queued signals."""

    told = Signal(str)
    seen = Signal(object)


class DockWindow(QWidget):
    def __init__(self, town: ExistingTown) -> None:
        super().__init__()
        self.setObjectName("dock")
        self.setWindowTitle("排练台 / Rehearsal dock")
        self.setStyleSheet(STYLE)
        self._relay = Relay()
        self._relay.told.connect(self._told)
        self._relay.seen.connect(self._seen)
        self.desk = Desk(town, self._relay.told.emit, self._relay.seen.emit)
        self._receipt = ""
        self._picture: Path | None = None
        self._plugs: dict[str, QPushButton] = {}
        self._build()
        self.desk.start()

    # -- layout -----------------------------------------------------------------

    def _build(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        inner = QWidget()
        inner.setObjectName("inner")
        area.setWidget(inner)
        outer.addWidget(area)
        self._said = QLabel(
            "把身份证、户口簿放到设备上，终端就在旁边。\nPut cards and papers on the devices; the terminal stands beside."
        )
        self._said.setObjectName("said")
        self._said.setWordWrap(True)
        footer = QVBoxLayout()
        footer.setContentsMargins(12, 4, 12, 12)
        footer.addWidget(self._said)
        outer.addLayout(footer)
        columns = QHBoxLayout(inner)
        columns.setContentsMargins(12, 4, 12, 4)
        columns.setSpacing(12)
        left, right = QVBoxLayout(), QVBoxLayout()
        for group in (
            self._card_group(),
            self._paper_group(),
            self._keypad_group(),
            self._code_group(),
        ):
            left.addWidget(group)
        left.addStretch()
        left.insertWidget(0, self._lamp_group())
        for group in (
            self._printer_group(),
            *((self._pages_group(),) if "page_printer" in self.desk.town.devices else ()),
            self._plug_group(),
            self._hub_group(),
            self._receipt_group(),
        ):
            right.addWidget(group)
        right.addStretch()
        columns.addLayout(left)
        columns.addLayout(right)

    def _group(self, title: str) -> tuple[QGroupBox, QGridLayout]:
        group = QGroupBox(title)
        grid = QGridLayout(group)
        grid.setContentsMargins(6, 6, 6, 6)
        grid.setSpacing(8)
        return group, grid

    def _button(self, words: str, act: Callable[[], None]) -> QPushButton:
        button = QPushButton(words)
        button.clicked.connect(lambda _checked=False: act())
        return button

    def _state(self) -> QLabel:
        label = QLabel("…")
        label.setObjectName("state")
        label.setWordWrap(True)
        return label

    def _card_group(self) -> QGroupBox:
        group, grid = self._group("身份证 / ID card")
        self._person = QComboBox()
        for person in self.desk.people.values():
            self._person.addItem(f"{person.name}　{person.what}", person.key)
        self._card_state = self._state()
        grid.addWidget(self._person, 0, 0, 1, 2)
        grid.addWidget(self._button("放上 / place", self._place_card), 1, 0)
        grid.addWidget(
            self._button(
                "拿走 / lift",
                lambda: self.desk.ask("id_reader", "lift_card", "身份证已拿走 / card lifted"),
            ),
            1,
            1,
        )
        grid.addWidget(
            self._button(
                "下次读不出 / next read fails",
                lambda: self.desk.ask(
                    "id_reader", "fail_next", "下一次读卡会失败 / the next read fails", sw3="41"
                ),
            ),
            2,
            0,
            1,
            2,
        )
        grid.addWidget(
            self._button("放两张 / two cards", lambda: self._place_card(second=True)), 3, 0
        )
        grid.addWidget(self._button("放社保卡 / social card", self.desk.place_social_card), 3, 1)
        grid.addWidget(self._card_state, 4, 0, 1, 2)
        self._card_facts = self._state()
        self._card_facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(self._card_facts, 5, 0, 1, 2)
        self._person.currentIndexChanged.connect(lambda _index: self._show_facts())
        self._show_facts()
        return group

    def _show_facts(self) -> None:
        person = self.desk.people[self._person.currentData()]
        self._card_facts.setText(f"手机 / phone {person.phone}\n账号 / account {person.account}")

    def _paper_group(self) -> QGroupBox:
        group, grid = self._group("放纸处 / document plate")
        self._glare = QCheckBox("反光 / glare")
        self._dim = QCheckBox("光线暗 / dim")
        self._rotation = QSpinBox()
        self._rotation.setRange(-180, 180)
        self._rotation.setValue(3)
        self._rotation.setSuffix("°")
        self._paper_state = self._state()
        grid.addWidget(self._button("户口簿本人页 / register page", self._place_page), 0, 0, 1, 3)
        grid.addWidget(self._button("图片文件 / picture file…", self._choose_picture), 1, 0, 1, 2)
        grid.addWidget(
            self._button(
                "拿走 / remove",
                lambda: self.desk.ask("camera", "remove_paper", "纸已拿走 / paper removed"),
            ),
            1,
            2,
        )
        grid.addWidget(self._glare, 2, 0)
        grid.addWidget(self._dim, 2, 1)
        grid.addWidget(self._rotation, 2, 2)
        grid.addWidget(self._paper_state, 3, 0, 1, 3)
        return group

    def _keypad_group(self) -> QGroupBox:
        group, grid = self._group("评价器 / rating keypad")
        for place, (key, words) in enumerate(LEVELS):
            grid.addWidget(
                self._button(
                    words,
                    lambda key=key, words=words: self.desk.ask(
                        "keypad", "press", f"按了：{words}", key=key
                    ),
                ),
                place // 3,
                place % 3,
            )
        return group

    def _code_group(self) -> QGroupBox:
        group, grid = self._group("回执的二维码 / QR of the last receipt")
        grid.addWidget(
            self._button("给扫码器 / to scanner", lambda: self.desk.hold_receipt(scanner=True)),
            0,
            0,
        )
        grid.addWidget(
            self._button("给摄像头 / to camera", lambda: self.desk.hold_receipt(scanner=False)),
            0,
            1,
        )
        grid.addWidget(
            self._button(
                "放下回执 / put down",
                lambda: self.desk.ask("camera", "hide_code", "回执已放下 / receipt put down"),
            ),
            1,
            0,
            1,
            2,
        )
        return group

    def _lamp_group(self) -> QGroupBox:
        """Where the machine's lamps lead the hand now, as on the page's drawing."""
        group, grid = self._group("指示灯 / guide lights")
        self._lamps: dict[str, QLabel] = {}
        for place, (name, words) in enumerate(LAMP_NAMES.items()):
            lamp = QLabel(words)
            lamp.setObjectName("lamp")
            lamp.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._lamps[name] = lamp
            grid.addWidget(lamp, place // 3, place % 3)
        self._sounds = self._state()
        grid.addWidget(self._sounds, 2, 0, 1, 3)
        return group

    def _printer_group(self) -> QGroupBox:
        group, grid = self._group("回执打印机 / receipt printer")
        self._roll = QProgressBar()
        self._roll.setRange(0, ROLL_MM)
        grid.addWidget(self._roll, 0, 0, 1, 2)
        for place, (words, do, arguments, done) in enumerate(
            (
                ("快没纸 / nearly out", "near_end", {}, "纸快用完了 / the roll is near its end"),
                ("没纸 / paper out", "paper_out", {}, "纸用完了 / paper is out"),
                (
                    "打到一半没纸 / out halfway",
                    "paper_out",
                    {"after_lines": 12},
                    "下一张打到一半会没纸 / the next receipt runs out of paper halfway",
                ),
                ("装新纸 / refill", "refill", {}, "装了新纸 / refilled"),
                ("开盖 / open", "cover_open", {}, "盖开着 / cover open"),
                ("关盖 / close", "cover_close", {}, "盖关上 / cover closed"),
                ("卡刀 / cutter jams", "cutter_jam", {}, "下次切纸会卡 / jams at the next cut"),
                ("卡纸 / paper jams", "paper_jam", {}, "纸卡住了 / paper jammed"),
                ("清卡 / clear the jam", "clear_jam", {}, "卡住的清掉了 / jam cleared"),
                ("撕下回执 / tear off", "tear", {}, "回执拿走了 / receipt taken"),
                ("断电 / power off", "power_off", {}, "打印机断电 / power off"),
                ("通电 / power on", "power_on", {}, "打印机通电 / power on"),
                ("打得慢 / slow", "slow", {"times": 6}, "打印机慢六倍 / six times slower"),
                ("正常快慢 / usual speed", "slow", {"times": 1}, "快慢正常 / usual speed"),
            )
        ):
            grid.addWidget(
                self._button(
                    words,
                    lambda do=do, done=done, arguments=arguments: self.desk.ask(
                        "receipt_printer", do, done, **arguments
                    ),
                ),
                place // 2 + 1,
                place % 2,
            )
        self._printer_state = self._state()
        grid.addWidget(self._printer_state, 8, 0, 1, 2)
        return group

    def _receipt_group(self) -> QGroupBox:
        group, grid = self._group("最后一张回执 / the last receipt")
        self._paper = QLabel("还没有回执 / no receipt yet")
        self._paper.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self._paper.setFixedWidth(RECEIPT_WIDTH)
        self._paper.setMinimumHeight(120)
        grid.addWidget(self._paper, 0, 0, Qt.AlignmentFlag.AlignHCenter)
        return group

    def _pages_group(self) -> QGroupBox:
        """Only where the rehearsal has one."""
        group, grid = self._group("A4 打印机 / A4 printer")
        for place, (words, do, done) in enumerate(
            (
                ("没纸 / paper out", "paper_out", "A4 纸用完了 / A4 paper is out"),
                ("装新纸 / refill", "refill", "装了 A4 纸 / refilled"),
                ("开盖 / open", "cover_open", "A4 打印机盖开着 / cover open"),
                ("关盖 / close", "cover_close", "A4 打印机盖关上 / cover closed"),
                ("卡纸 / paper jams", "jam", "下一张会卡住 / the next sheet jams"),
                ("断线 / offline", "offline", "A4 打印机连不上 / offline"),
                ("恢复 / all well", "well", "A4 打印机正常 / all well"),
            )
        ):
            grid.addWidget(
                self._button(
                    words, lambda do=do, done=done: self.desk.ask("page_printer", do, done)
                ),
                place // 2,
                place % 2,
            )
        self._pages_state = self._state()
        self._pages_state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(self._pages_state, 4, 0, 1, 2)
        return group

    def _plug_group(self) -> QGroupBox:
        group, grid = self._group("插头 / plugs")
        for row, (device, words) in enumerate(DEVICE_NAMES.items()):
            grid.addWidget(QLabel(words), row, 0)
            button = self._button("拔掉 / unplug", lambda device=device: self._toggle_plug(device))
            self._plugs[device] = button
            grid.addWidget(button, row, 1)
        return group

    def _hub_group(self) -> QGroupBox:
        group, grid = self._group("平台 / hub")
        grid.addWidget(self._button("停止 / stop", lambda: self.desk.set_hub(up=False)), 0, 0)
        grid.addWidget(self._button("启动 / start", lambda: self.desk.set_hub(up=True)), 0, 1)
        self._hub_state = self._state()
        grid.addWidget(self._hub_state, 1, 0, 1, 2)
        return group

    # -- presses ----------------------------------------------------------------

    def _place_card(self, *, second: bool = False) -> None:
        self.desk.place_card(self.desk.people[self._person.currentData()], second=second)

    def _place_page(self) -> None:
        self.desk.place_page(
            self.desk.people[self._person.currentData()],
            glare=self._glare.isChecked(),
            dim=self._dim.isChecked(),
            rotation=float(self._rotation.value()),
        )

    def _choose_picture(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "选一张图片 / choose a picture", "", "Pictures (*.png *.jpg *.jpeg)"
        )
        if path:
            self.desk.place_picture(
                Path(path),
                glare=self._glare.isChecked(),
                dim=self._dim.isChecked(),
                rotation=float(self._rotation.value()),
            )

    def _toggle_plug(self, device: str) -> None:
        unplugged = self._plugs[device].property("unplugged")
        words = DEVICE_NAMES[device]
        if unplugged:
            self.desk.ask(device, "plug", f"插上了：{words}")
        else:
            self.desk.ask(device, "unplug", f"拔掉了：{words}")

    # -- what comes back ----------------------------------------------------------

    def _told(self, words: str) -> None:
        self._said.setText(words)

    def _seen(self, state: dict[str, Any]) -> None:
        reader, camera = state.get("id_reader", {}), state.get("camera", {})
        printer, town = state.get("receipt_printer", {}), state.get("town", {})
        card = "有卡 / a card lies there" if reader.get("card") else "没有卡 / no card"
        self._card_state.setText(card + ("，已读 / read" if reader.get("read") else ""))
        self._paper_state.setText(
            ("有纸 / a paper lies there" if camera.get("paper") else "没有纸 / empty")
            + ("，摄像头在看 / being watched" if camera.get("watchers") else "")
        )
        self._printer_state.setText(_printer_words(printer))
        left_mm = round(printer.get("paper_left_mm", 0.0))
        self._roll.setValue(min(ROLL_MM, left_mm))
        self._roll.setFormat(f"纸还有 {left_mm / 1000:.1f} 米 / metres of paper")
        board, voice = state.get("io_board", {}), state.get("loudspeaker", {})
        for name, lamp in self._lamps.items():
            lit = bool(board.get("lamps", {}).get(name))
            if lamp.property("lit") != lit:
                lamp.setProperty("lit", lit)
                lamp.style().polish(lamp)  # the style sheet looks at the property only then
        self._sounds.setText(
            f"评价器灯{'亮' if state.get('keypad', {}).get('lamps') else '灭'}，"
            f"蜂鸣 {board.get('buzzes', 0)} 次，说话 {voice.get('count', 0)} 句"
            f" / {board.get('buzzes', 0)} beeps, {voice.get('count', 0)} sounds"
        )
        self._hub_state.setText(
            f"运行中 / running\n{town.get('staff_site', '')}"
            if town.get("hub")
            else "已停止 / stopped"
        )
        if "page_printer" in self.desk.town.devices:
            self._pages_state.setText(_pages_words(state.get("page_printer", {})))
        for device, button in self._plugs.items():
            unplugged = not state.get(device, {}).get("plugged", True)
            button.setProperty("unplugged", unplugged)
            button.setText("插上 / plug in" if unplugged else "拔掉 / unplug")
        last = printer.get("last", "")
        if last and last != self._receipt:
            self._receipt = last
            picture = QPixmap(last)
            if not picture.isNull():
                self._paper.setPixmap(
                    picture.scaledToWidth(RECEIPT_WIDTH, Qt.TransformationMode.SmoothTransformation)
                )

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        self.desk.stop()
        event.accept()


def _printer_words(printer: dict[str, Any]) -> str:
    if not printer.get("plugged"):
        return "拔掉了 / unplugged"
    if not printer.get("powered", True):
        return "没有电 / no power"
    said = [
        words
        for true, words in (
            (not printer.get("paper", True), "缺纸 / paper out"),
            (printer.get("cover_open"), "盖开着 / cover open"),
            (printer.get("cutter_jammed"), "卡刀 / cutter jammed"),
            (printer.get("paper_jammed"), "卡纸 / paper jammed"),
            (printer.get("near_end") and printer.get("paper"), "纸快完 / paper low"),
            (printer.get("silent"), "不应答 / silent"),
        )
        if true
    ]
    ready = "、".join(said) or "正常 / ready"
    odd = {**printer.get("unknown", {}), **printer.get("odd", {})}
    strange = f"\n不认识 / wonders: {odd}" if odd else ""
    slot = "，出纸口有回执 / one in the slot" if printer.get("in_slot") else ""
    return f"{ready}，已打 / printed {printer.get('receipts', 0)}{slot}{strange}"


def _pages_words(printer: dict[str, Any]) -> str:
    """How it is, and where the last job lies as PDF."""
    world = printer.get("state", {})
    said = [
        words
        for true, words in (
            (not world.get("paper", 1), "缺纸 / paper out"),
            (world.get("cover_open"), "盖开着 / cover open"),
            (world.get("jam_at"), "会卡纸 / will jam"),
            (world.get("offline"), "连不上 / offline"),
        )
        if true
    ]
    printed = printer.get("printed", [])
    last = f"\n{printed[-1]}" if printed else ""
    return f"{'、'.join(said) or '正常 / ready'}，已打 / jobs {len(printed)}{last}"


def main(settings: Path) -> int:
    """Open the dock of the rehearsal that `settings` belong to. Exit code."""
    die_with_parent()
    town = ExistingTown.beside(settings)
    if town is None:
        print(
            f"{settings}: not the settings of a rehearsal (no town.json beside it)", file=sys.stderr
        )
        return 3
    immortal.protect()
    application = QApplication([sys.argv[0]])
    window = DockWindow(town)
    screen = application.primaryScreen().availableGeometry()
    width, height = min(820, screen.width()), min(960, screen.height() - 40)
    window.resize(width, height)
    window.move(screen.right() - width, screen.top())
    window.show()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: application.quit())
    # Qt's loop lets Python see a signal only when Python runs
    wake = QTimer()
    wake.timeout.connect(lambda: None)
    wake.start(200)
    code = application.exec()
    window.desk.stop()
    return code
