"""A combo box of magicgui that leaves room for the viewer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt

from .elided_text import elided
from .narrow_combo import narrowed

Choices = Iterable[tuple[str, Any]]  # what is shown, and the value that it stands for


class Choice(ComboBox):
    """A combo box as narrow as some letters; long entries are elided, with the whole as tooltip.

    Parameters
    ----------
    choices : iterable of (str, value), or of str
    none : str, optional
        What the choice of no value (None) is called, if there is such; it comes first.
    """

    def __init__(
        self, choices: Any = (), *, none: str = "", letters: int = 12, **options: Any
    ) -> None:
        self.null_string = none
        super().__init__(choices=choices, nullable=bool(none), **options)
        narrowed(self.native, letters)

    def offer(self, choices: Choices) -> None:
        """Offer other choices; the value stays where it is still among them."""
        self._default_choices = list(choices)
        self.reset_choices()

    def reset_choices(self, *_: Any) -> None:
        """Ask for the choices again; the value stays where it is still among them."""
        before = self.value
        given = self._default_choices
        with self.changed.blocked():
            self.native.clear()
            self.choices = self._shortened(given(self) if callable(given) else given)
            if before in self.choices:
                self.value = before
        self._add_tooltips()
        if self.value is not before and self.value != before:
            self.changed.emit(self.value)

    def _shortened(self, choices: Any) -> list[tuple[str, Any]]:
        """Return choices by elided names, which are all different: magicgui finds them by name."""
        shown: dict[str, Any] = {}
        self._whole: dict[str, str] = {}
        for each in choices:
            text, value = each if isinstance(each, tuple) else (str(each), each)
            short = elided(text)
            if short in shown:
                short = text if text not in shown else f"{text} ({len(shown) + 1})"
            shown[short], self._whole[short] = value, text
        return list(shown.items())

    def _add_tooltips(self) -> None:
        """Give elided entries their whole name as a tooltip."""
        for row in range(self.native.count()):
            text = self.native.itemText(row)
            if self._whole.get(text, text) != text:
                self.native.setItemData(row, self._whole[text], Qt.ItemDataRole.ToolTipRole)
