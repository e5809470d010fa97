"""A text field for a length, an area or a volume, with the unit of plain numbers."""

from __future__ import annotations

import re
from typing import Any

from magicgui.widgets import LineEdit
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel

_PLAIN = re.compile(r"(?=.*\d)[\d.,;x+\-\s]*(e[+\-]?\d+[\d.,;x+\-\s]*)*", re.IGNORECASE)
_PRETTY = str.maketrans("23", "²³")


class LengthEdit(LineEdit):
    """A text field for a quantity such as "12um"; a plain "12" is in the unit shown beside it.

    Parameters
    ----------
    hint : str
        Placeholder of an empty field: the value that is used then.
    """

    def __init__(self, *, hint: str = "", unit: str = "px", **options: Any) -> None:
        super().__init__(**options)
        self.native.setPlaceholderText(hint)
        self._shown = QLabel()
        row = QHBoxLayout(self.native)
        row.setContentsMargins(0, 0, 6, 0)
        row.addWidget(self._shown, 0, Qt.AlignmentFlag.AlignRight)
        self._shown.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._shown.setStyleSheet("background: transparent;")
        self.native.textChanged.connect(self._show_unit)
        self.unit = unit

    @property
    def unit(self) -> str:
        """The unit of plain numbers: "px", "um", "um2"."""
        return self._unit

    @unit.setter
    def unit(self, unit: str) -> None:
        self._unit = unit
        self._shown.setText(unit.replace("um", "µm").translate(_PRETTY))
        self._show_unit()

    def get_value(self) -> str:
        """Return the quantity with its unit, "" if none is given."""
        text = self.native.text().strip()
        return f"{text}{self._unit}" if _PLAIN.fullmatch(text) else str(text)

    def _show_unit(self) -> None:
        """Show the unit, unless one was typed."""
        text = self.native.text().strip()
        counts = not text or _PLAIN.fullmatch(text) is not None
        self._shown.setVisible(counts)
        width = self._shown.sizeHint().width() + 6 if counts else 0
        self.native.setTextMargins(0, 0, width, 0)
