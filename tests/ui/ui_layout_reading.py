"""Looking at every sample view of one look: big enough to hit and to read, nothing cut off."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtQuick import QQuickItem
from ui_window_showing import Shower, Shown, seen, settle, walk

from ui import samples
from ui.gallery import view_in

# look.md: least text and least targets, px. Keys of the pinyin keyboard keep the floor of any
# touch target: ten letters stand side by side.
LEAST = {
    "": {"text": 32, "target": 60, "main": 96},
    "elder": {"text": 44, "target": 96, "main": 128},
    "largest": {"text": 44, "target": 96, "main": 128},
}
KEY_LEAST = 60
SLACK_PX = 2.0
LINE_SLACK = 0.14  # of a line: what is free above and below its letters
MOST_PAGES = 12  # who must turn more often than this to read one screen gives up


# The looks with the least room: there every variant of a page is drawn, in the others one of each.
TIGHTEST = frozenset(
    {
        "elder-en",
        "largest-en",
        "elder-low-zh",
        "landscape-largest-en",
        "landscape-elder-low-zh",
        "small-largest-en",
        "small-largest-zh",
        "small-elder-low-en",
    }
)


def wrong_in(look_name: str) -> list[str]:
    """What is wrong with the samples in one look, a line each."""
    shower = Shower()
    shown = shower("standby", look_name)
    size = next(size for size in ("elder", "largest", "") if size in look_name)
    found: list[str] = []
    language = shown.look.preferences.language
    drawn = [sample for sample in samples.samples(language) if sample.laid_out]
    if look_name not in TIGHTEST:
        fullest = {sample.name.partition("-")[0]: sample for sample in reversed(drawn)}
        drawn = list(fullest.values())
    for serial, sample in enumerate(drawn, start=2):
        shown.window.show_view(view_in(sample.view, shown.look, serial))
        settle(30)
        settle(10)
        found.extend(f"{look_name} {sample.name}: {fault}" for fault in faults(shown, size))
    shower.close()
    return found


def rect(item: QQuickItem) -> QRectF:
    return item.mapRectToScene(QRectF(0, 0, item.width(), item.height()))


def clip_of(item: QQuickItem) -> QRectF | None:
    """Where this item can show at all: inside every clipping item around it."""
    room: QRectF | None = None
    at = item.parentItem()
    while at is not None:
        if at.clip():
            room = rect(at) if room is None else room.intersected(rect(at))
        at = at.parentItem()
    return room


def whole(item: QQuickItem) -> bool:
    """It is seen without turning, and not cut by the edge of the page."""
    room = clip_of(item)
    return seen(item) and room is not None and room.adjusted(-1, -1, 1, 1).contains(rect(item))


def faults(shown: Shown, size: str):
    least = LEAST[size]
    root = shown.window.rootObject()
    scene = QRectF(0, 0, shown.look.width, shown.look.height).adjusted(
        -SLACK_PX, -SLACK_PX, SLACK_PX, SLACK_PX
    )
    for item in walk(root):
        if not seen(item) or item.width() <= 0:
            continue
        name = item.property("words") or item.property("text") or item.objectName()
        if item.property("pressable") is True:
            # of a field its box: an error below it is text, and may stand on another page
            box = item.property("box")
            if box is not None and not seen(box):
                continue
            where = rect(box or item)
            key = item.objectName().startswith(("key_", "cand_"))
            floor = KEY_LEAST if key else least["target"]
            if min(item.width(), item.height()) < floor - SLACK_PX:
                yield f"{name!r} is only {item.width():.0f}x{item.height():.0f}"
            main = item.property("kind") == 0 and item.metaObject().className().startswith(
                "PushButton"
            )
            if main and item.height() < least["main"]:
                yield f"main {name!r} is only {item.height():.0f} high"
            if not scene.contains(where):
                yield f"{name!r} is outside the screen: {where}"
            room = clip_of(item)
            if room is not None and not room.adjusted(-3, -3, 3, 3).contains(where):
                yield f"{name!r} is cut off"
        if item.inherits("QQuickText") and item.property("text"):
            if item.property("truncated"):
                yield f"text {name!r} is elided"
            if item.property("paintedWidth") > item.width() + SLACK_PX + 4:
                yield f"text {name!r} is {item.property('paintedWidth'):.0f} in {item.width():.0f}"
            px = item.property("font").pixelSize()
            if px < least["text"] and not _drawn(item):
                yield f"text {name!r} is only {px} px"
            room = clip_of(item)  # a long text goes on over the pages
            shows = rect(item) if room is None else rect(item).intersected(room)
            if not scene.contains(QPointF(rect(item).x(), shows.center().y())):
                yield f"text {name!r} is outside the screen"
            if _cut_through(item):
                yield f"text {name!r} is cut through"
        pages = item.property("pages")
        if pages is not None and pages > MOST_PAGES:
            yield f"the page must be turned {pages} times"


def _cut_through(item: QQuickItem) -> bool:
    """Whether an edge of the page that shows goes through a line of this text."""
    room, where = clip_of(item), rect(item)
    if not str(item.property("text")).strip("*"):  # drawn lower than its box
        return False
    if room is None or not room.intersects(where):
        return False
    step = item.property("lineStep") or where.height()
    for edge in (room.top(), room.bottom()):
        into = edge - where.top()
        if 0 < into < where.height():
            over = into % step
            if min(over, step - over) > LINE_SLACK * step:
                return True
    return False


def _drawn(item: QQuickItem) -> bool:
    """The number in a dot of the step bar, and a word set smaller rather than broken."""
    parent = item.parentItem()
    while parent is not None:
        if parent.metaObject().className().startswith(("StepBar", "ToolRow", "Keypad")):
            return True
        if parent.property("fitting") is not None and parent.property("fitting") < 1:
            return True
        parent = parent.parentItem()
    return False
