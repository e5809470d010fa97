"""A combo box of magicgui that leaves room for the viewer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt

from .elided_text import elided
from .narrow_combo import narrowed

Choices = Iterable[tuple[str, Any]]  # labels and values


class Choice(ComboBox):
    """A combo box that can be a few letters wide; long entries are elided, with a tooltip.

    Parameters
    ----------
    choices : iterable of (str, value), or of str
    none : str, optional
        Label of the choice None, which comes first; without one, None cannot be chosen.
    """

    def __init__(
        self, choices: Any = (), *, none: str = "", letters: int = 12, **options: Any
    ) -> None:
        self.null_string = none
        super().__init__(choices=choices, nullable=bool(none), **options)
        narrowed(self.native, letters)

    def offer(self, choices: Choices) -> None:
        """Set other choices; the value stays if it is among them."""
        self._default_choices = list(choices)
        self.reset_choices()

    def reset_choices(self, *_: Any) -> None:
        """Update the choices; the value stays if it is among them."""
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
        """Return choices with elided, unique labels: magicgui finds them by label."""
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
        """Set the full text of elided entries as tooltips."""
        for row in range(self.native.count()):
            text = self.native.itemText(row)
            if self._whole.get(text, text) != text:
                self.native.setItemData(row, self._whole[text], Qt.ItemDataRole.ToolTipRole)
