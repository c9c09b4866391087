"""The one window: shows the session's view, gives presses back, lets nobody out.

The window decides nothing. It puts the screen of the view's page in place, tells its view-model
of changes, lays the overlay over it and reports every touch. What must forget a person when the
session ends (`wipe`) is emptied here: page pictures, the pinyin keyboard, clipboard, image caches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, assert_never

import shiboken6
from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QObject,
    QSize,
    Qt,
    QUrl,
    Slot,
)
from PySide6.QtGui import QColor, QDesktopServices, QGuiApplication, QPixmapCache
from PySide6.QtQml import QQmlComponent, QQmlEngine, QQmlError
from PySide6.QtQuick import QQuickItem, QQuickView

from kiosk.flow import card_pages, pages
from kiosk.flow.actions import Act, Action
from kiosk.flow.pages import Page
from kiosk.flow.view import (
    HelpSheet,
    IdleWarning,
    LeaveQuestion,
    Overlay,
    Preferences,
    TextSizeSheet,
    View,
)
from ui import immortal, keyboard
from ui.desk import Desk
from ui.frame import FrameModel
from ui.icons import PROVIDER as ICON_PROVIDER
from ui.icons import IconProvider
from ui.images import PAGE_PROVIDER, QR_PROVIDER, PageImages, PageProvider, QrProvider
from ui.models import (
    closing,
    copies,
    form,
    identity,
    materials,
    overlays,
    progress,
    social_card,
    start,
    submit,
)
from ui.models._model import PageModel
from ui.preview import PreviewReader, PreviewSource
from ui.texts import Texts

QML_FOLDER = Path(__file__).parent / "qml"
SCREENS_FOLDER = QML_FOLDER / "Kiosk" / "Screens"
MAIN_QML = QML_FOLDER / "Kiosk" / "Frame" / "Main.qml"

# A link, a mail address or a file must never open anything beside this window.
_SCHEMES_SWALLOWED = ("http", "https", "file", "mailto", "ftp", "tel", "qrc")

# Events that a plugged-in keyboard sends. The pinyin keyboard's own keys are not spontaneous.
_KEY_EVENTS = (
    QEvent.Type.KeyPress,
    QEvent.Type.KeyRelease,
    QEvent.Type.Shortcut,
    QEvent.Type.ShortcutOverride,
)
_TOUCH_EVENTS = (
    QEvent.Type.TouchBegin,
    QEvent.Type.TouchUpdate,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonDblClick,
    QEvent.Type.TabletPress,
)
_WINDOWED_SHARE = 0.92  # of the display's height, so that a title bar and the dock have room

Screen = tuple[str, type[PageModel]]


def screen_of(page: Page) -> Screen:
    """QML file and view-model of a page. Every page has one: the type checker sees to it."""
    match page:
        case pages.Standby():
            return "StandbyScreen", start.StandbyModel
        case pages.Home():
            return "HomeScreen", start.HomeModel
        case pages.ServiceGuide():
            return "ServiceGuideScreen", start.ServiceGuideModel
        case pages.Consent():
            return "ConsentScreen", start.ConsentModel
        case pages.ConsentDeclined():
            return "ConsentDeclinedScreen", start.ConsentDeclinedModel
        case pages.PlaceIdCard():
            return "PlaceIdCardScreen", identity.PlaceIdCardModel
        case pages.CardProblem():
            return "CardProblemScreen", identity.CardProblemModel
        case pages.ConfirmIdentity():
            return "ConfirmIdentityScreen", identity.ConfirmIdentityModel
        case pages.DraftFound():
            return "DraftFoundScreen", identity.DraftFoundModel
        case pages.EarlierApplication():
            return "EarlierApplicationScreen", identity.EarlierApplicationModel
        case pages.Form():
            return "FormScreen", form.FormModel
        case pages.CapturePage():
            return "CapturePageScreen", materials.CapturePageModel
        case pages.CheckPage():
            return "CheckPageScreen", materials.CheckPageModel
        case pages.Review():
            return "ReviewScreen", submit.ReviewModel
        case pages.Sign():
            return "SignScreen", submit.SignModel
        case pages.Submitting():
            return "SubmittingScreen", submit.SubmittingModel
        case pages.SubmitProblem():
            return "SubmitProblemScreen", submit.SubmitProblemModel
        case pages.Accepted():
            return "AcceptedScreen", submit.AcceptedModel
        case pages.Rating():
            return "RatingScreen", closing.RatingModel
        case pages.RatingReasons():
            return "RatingReasonsScreen", closing.RatingReasonsModel
        case card_pages.InsertSocialCard():
            return "InsertSocialCardScreen", social_card.InsertSocialCardModel
        case card_pages.SocialCardProblem():
            return "SocialCardProblemScreen", social_card.SocialCardProblemModel
        case card_pages.NewPin():
            return "NewPinScreen", social_card.NewPinModel
        case card_pages.ChangingPassword():
            return "ChangingPasswordScreen", social_card.ChangingPasswordModel
        case card_pages.PasswordResult():
            return "PasswordResultScreen", social_card.PasswordResultModel
        case pages.TakeAway():
            return "TakeAwayScreen", closing.TakeAwayModel
        case pages.ScanReceipt():
            return "ScanReceiptScreen", progress.ScanReceiptModel
        case pages.ProgressResult():
            return "ProgressResultScreen", progress.ProgressResultModel
        case pages.ChoosePapers():
            return "ChoosePapersScreen", copies.ChoosePapersModel
        case pages.LayPapers():
            return "LayPapersScreen", copies.LayPapersModel
        case pages.CopyChoice():
            return "CopyChoiceScreen", copies.CopyChoiceModel
        case pages.SheetsPrinting():
            return "SheetsPrintingScreen", copies.SheetsPrintingModel
        case pages.PhonePickup():
            return "PhonePickupScreen", copies.PhonePickupModel
        case pages.BlankForms():
            return "BlankFormsScreen", copies.BlankFormsModel
        case pages.OutOfService():
            return "OutOfServiceScreen", start.OutOfServiceModel
        case _:
            assert_never(page)


def sheet_of(overlay: Overlay) -> Screen:
    """QML file and view-model of an overlay."""
    match overlay:
        case IdleWarning():
            return "IdleWarningSheet", overlays.IdleWarningModel
        case LeaveQuestion():
            return "LeaveQuestionSheet", overlays.LeaveQuestionModel
        case HelpSheet():
            return "HelpSheet", overlays.HelpSheetModel
        case TextSizeSheet():
            return "TextSizeSheet", overlays.TextSizeSheetModel
        case _:
            assert_never(overlay)


@dataclass(slots=True)
class _Shown:
    """A screen or sheet on the window with what keeps it alive."""

    name: str
    serial: int
    value: Page | Overlay
    item: QQuickItem
    model: PageModel = field(repr=False)
    desk: Desk = field(repr=False)


class KioskWindow(QQuickView):
    """Frameless and full-screen, or a window that fits the display with the scene scaled."""

    def __init__(
        self,
        *,
        width: int,
        height: int,
        full_screen: bool,
        reduced_motion: bool,
        view: View,
        act: Callable[[Action], None],
        touch: Callable[[], None],
        texts: Texts,
        images: PageImages,
        preview: PreviewReader | None,
        speak: Callable[[str, str], None],  # words, language
        hush: Callable[[], None],
    ) -> None:
        immortal.protect()
        super().__init__()
        self._full_screen = full_screen
        self._scene = QSize(width, height)
        self._act = act
        self._touch = touch
        self._texts = texts
        self._images = images
        self._speak = speak
        self._hush = hush
        self._view = view
        self._page: _Shown | None = None
        self._sheet: _Shown | None = None
        self._leaving: list[_Shown] = []
        self._may_close = False
        self._preview = PreviewSource(preview)

        self.setTitle("kiosk")
        self.setColor(QColor("black"))
        self.setResizeMode(QQuickView.ResizeMode.SizeRootObjectToView)
        engine = self.engine()
        engine.addImportPath(str(QML_FOLDER))
        engine.addImageProvider(ICON_PROVIDER, IconProvider())
        engine.addImageProvider(PAGE_PROVIDER, PageProvider(images))
        engine.addImageProvider(QR_PROVIDER, QrProvider())
        texts.attach(engine)
        self._preview.attach(engine)
        texts.set_language(view.preferences.language)

        self._frame = FrameModel(texts, view, self._press_tool)
        QQmlEngine.setObjectOwnership(self._frame, QQmlEngine.ObjectOwnership.CppOwnership)
        theme = engine.singletonInstance("Kiosk.Theme", "Theme")
        if not isinstance(theme, QObject):
            raise RuntimeError(_why(self.errors()) or "Kiosk.Theme cannot be loaded")
        self._theme = theme
        self._theme.setProperty("reducedMotion", reduced_motion)
        self._theme.setProperty("sceneWidth", width)
        self._theme.setProperty("sceneHeight", height)
        self._show_preferences(view.preferences)
        # all at once: a screen that cannot be loaded is found at the start, not by a citizen
        self._components = {
            path.stem: self._compiled(path)
            for pattern in ("*Screen.qml", "*Sheet.qml")
            for path in sorted(SCREENS_FOLDER.glob(pattern))
        }
        self.setInitialProperties({"model": self._frame})
        self.setSource(QUrl.fromLocalFile(str(MAIN_QML)))
        root: Any = self.rootObject()
        if root is None:
            raise RuntimeError(_why(self.errors()))
        self._root = root
        self._root.departed.connect(self._page_left)
        self.activeChanged.connect(self._stay_in_front)
        self._put_page(view)
        self._put_overlay(view)

    # -- on the screen ----------------------------------------------------------

    def open(self) -> None:
        """Show the window as the settings say."""
        QGuiApplication.setQuitOnLastWindowClosed(False)
        for scheme in _SCHEMES_SWALLOWED:
            # the stub says bytes; only text is taken (6.12)
            QDesktopServices.setUrlHandler(scheme, self, "swallow_url")  # type: ignore[arg-type]
        if self._full_screen:
            self.setFlags(Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint)
            # without a window manager nobody else makes it as large as the screen
            self.setGeometry(self.screen().geometry())
            self.showFullScreen()
            self.requestActivate()  # the same: typing needs a window that has the focus
            return
        room = self.screen().availableGeometry().size() * _WINDOWED_SHARE
        self.resize(
            self._scene.scaled(room, Qt.AspectRatioMode.KeepAspectRatio).boundedTo(self._scene)
        )
        self.show()
        # typing needs the focus; without a window manager nobody else gives it
        self.requestActivate()

    def finish(self) -> None:
        """The program ends: the only way this window closes."""
        self._may_close = True
        for scheme in _SCHEMES_SWALLOWED:
            QDesktopServices.unsetUrlHandler(scheme)
        self._root.finish()
        self.close()
        # the scene goes before the models it is bound to
        for shown in (self._sheet, self._page, *self._leaving):
            if shown is not None and shiboken6.isValid(shown.item):
                shiboken6.delete(shown.item)
        self.setSource(QUrl())

    @Slot(QUrl)
    def swallow_url(self, url: QUrl) -> None:
        """Nothing is opened beside this window."""

    def event(self, event: QEvent) -> bool:
        kind = event.type()
        if kind in _KEY_EVENTS and event.spontaneous():
            return True
        if kind == QEvent.Type.ContextMenu:
            return True
        if kind == QEvent.Type.Close and not self._may_close:
            event.ignore()
            return True
        if kind in _TOUCH_EVENTS:
            self._touch()
        return super().event(event)

    def _stay_in_front(self) -> None:
        if self._full_screen and self.isVisible() and not self.isActive():
            self.raise_()
            self.requestActivate()

    # -- the view ------------------------------------------------------------------

    def set_preview(self, reader: PreviewReader | None) -> None:
        """Another ring: the vision process was started again."""
        self._preview.reader = reader

    def show_view(self, view: View) -> None:
        """Show this from now on."""
        before, self._view = self._view, view
        told = view.preferences != before.preferences
        if told:
            self._texts.set_language(view.preferences.language)
            self._show_preferences(view.preferences)
        self._frame.show(view)
        # the order of a page's blocks is made once: other room, another order
        anew = view.preferences.low_reach != before.preferences.low_reach or (
            told and self._scene.width() > self._scene.height()
        )
        self._put_page(view, told, anew)
        self._put_overlay(view, told)
        if told and view.preferences.voice != before.preferences.voice:
            self._hush()
            self._read_aloud()

    @property
    def view(self) -> View:
        """What is shown now."""
        return self._view

    def _show_preferences(self, preferences: Preferences) -> None:
        theme = self._theme
        theme.setProperty("textSize", str(preferences.text_size))
        theme.setProperty("elderMode", preferences.elder)
        theme.setProperty("highContrast", preferences.high_contrast)
        theme.setProperty("lowReach", preferences.low_reach)

    def _put_page(self, view: View, told: bool = False, anew: bool = False) -> None:
        name, model_type = screen_of(view.page)
        shown = self._page
        if shown is not None and shown.serial == view.serial and shown.name == name and not anew:
            self._refresh(shown, view.page, told)
            return
        # the words of the page that goes are not spoken to the end
        self._hush()
        self._page = self._make(name, model_type, view.page, view)
        if shown is not None:
            self._leaving.append(shown)
        self._root.present(self._page.item, view.forward, shown is not None and not anew)
        if view.overlay is None:
            self._read_aloud()

    def _put_overlay(self, view: View, told: bool = False) -> None:
        shown = self._sheet
        if view.overlay is None:
            if shown is not None:
                self._root.setProperty("overlay", None)
                self._forget(shown)
                self._sheet = None
                self._hush()
            return
        name, model_type = sheet_of(view.overlay)
        if shown is not None and shown.name == name:
            shown.desk.serial = view.serial
            self._refresh(shown, view.overlay, told)
            return
        self._sheet = self._make(name, model_type, view.overlay, view)
        self._root.presentOverlay(self._sheet.item)
        if shown is not None:
            self._forget(shown)
        self._hush()
        self._read_aloud()

    def _refresh(self, shown: _Shown, value: Page | Overlay, told: bool) -> None:
        if told:
            shown.desk.preferences = self._view.preferences
        if told or value != shown.value:
            shown.value = value
            shown.model.update(value)

    def _make(self, name: str, model_type: Any, value: Page | Overlay, view: View) -> _Shown:
        desk = Desk(
            act=self._act, texts=self._texts, serial=view.serial, preferences=view.preferences
        )
        model: PageModel = model_type(value, desk)
        QQmlEngine.setObjectOwnership(model, QQmlEngine.ObjectOwnership.CppOwnership)
        component = self._components[name]
        item = component.createWithInitialProperties({"model": model}, self.rootContext())
        if not isinstance(item, QQuickItem):
            raise RuntimeError(_why(component.errors()))
        QQmlEngine.setObjectOwnership(item, QQmlEngine.ObjectOwnership.CppOwnership)
        return _Shown(name, view.serial, value, item, model, desk)

    def _compiled(self, path: Path) -> QQmlComponent:
        component = QQmlComponent(self.engine(), QUrl.fromLocalFile(str(path)))
        if not component.isReady():
            raise RuntimeError(_why(component.errors()))
        return component

    def _page_left(self, item: QQuickItem) -> None:
        for shown in [shown for shown in self._leaving if shown.item == item]:
            self._leaving.remove(shown)
            self._forget(shown)

    def _forget(self, shown: _Shown) -> None:
        shown.item.setVisible(False)
        shown.item.deleteLater()
        shown.model.deleteLater()

    def _press_tool(self, act: Act) -> None:
        self._act(Action(act, self._view.serial))

    def _read_aloud(self) -> None:
        if not self._view.preferences.voice:
            return
        shown = self._sheet or self._page
        if shown is not None:
            words = [words for words in (shown.model.heading(), shown.model.leading()) if words]
            self._speak("\n".join(words), self._texts.language)

    # -- the end of a session ------------------------------------------------------------

    def wipe(self) -> None:
        """Forget the person: everything here that may remember by itself."""
        self._hush()
        self._root.finish()
        self._images.clear()
        QPixmapCache.clear()
        keyboard.forget()
        clipboard = QGuiApplication.clipboard()
        clipboard.clear()
        # screens that were waiting to be deleted hold values: delete them now
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        self.engine().collectGarbage()
        self.releaseResources()


def _why(errors: list[QQmlError]) -> str:
    return "; ".join(error.toString() for error in errors)
