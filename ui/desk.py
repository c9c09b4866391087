"""What a view-model needs from the window: to act, and to know language and preferences."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.flow.actions import Act, Action, Stroke
from kiosk.flow.pages import Words
from kiosk.flow.view import Preferences
from ui.texts import Texts


class Desk:
    """Handed to every view-model by its constructor.

    `serial` is that of the page the model was built for: an action of an old screen that is
    still fading out carries its old serial, and the session drops it.
    """

    def __init__(
        self,
        *,
        act: Callable[[Action], None],
        texts: Texts,
        serial: int,
        preferences: Preferences,
    ) -> None:
        self._act = act
        self.serial = serial
        self.texts = texts
        self.preferences = preferences

    def act(
        self, act: Act, argument: str = "", value: str = "", strokes: tuple[Stroke, ...] = ()
    ) -> None:
        """One press, typed value or stroke, for the page this desk belongs to."""
        self._act(Action(act, self.serial, argument, value, strokes))

    def said(self, words: Words) -> str:
        """A text of a service item in the language shown."""
        return words.get(self.texts.language)
