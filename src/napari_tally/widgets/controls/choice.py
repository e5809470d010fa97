"""A combo box of magicgui that leaves room for the viewer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtGui import QFont

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
        self._tooltips: Mapping[Any, str] = {}
        self._pale: Collection[Any] = ()
        super().__init__(choices=choices, nullable=bool(none), **options)
        narrowed(self.native, letters)

    def offer(
        self,
        choices: Choices,
        tooltips: Mapping[Any, str] | None = None,
        pale: Collection[Any] = (),
    ) -> None:
        """Set other choices, with tooltips of their values; the value stays if it is among them."""
        self._default_choices = list(choices)
        self._tooltips, self._pale = tooltips or {}, pale
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
        self._mark()
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

    def _mark(self) -> None:
        """Set tooltips, with the full text of elided entries, and the style of pale ones."""
        faint = QFont(self.native.font())
        faint.setItalic(True)
        for row, value in enumerate(self.choices):
            text = self.native.itemText(row)
            whole = self._whole.get(text, text)
            tips = [whole] if whole != text else []
            if value in self._tooltips:
                tips.append(self._tooltips[value])
            if tips:
                self.native.setItemData(row, "\n".join(tips), Qt.ItemDataRole.ToolTipRole)
            if value in self._pale:
                self.native.setItemData(row, faint, Qt.ItemDataRole.FontRole)
