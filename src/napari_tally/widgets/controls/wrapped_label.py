"""Text that wraps and is never cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QWidget

from .elided_text import elided_words

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent


class WrappedLabel(QLabel):
    """A label that is always high enough for its wrapped text, which layouts do not ensure.

    Words that are longer than a row, such as names of layers, cannot wrap and would widen the
    dock: they are elided, with the full text as tooltip.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        self.whole = text or ""
        shown = elided_words(self.whole)
        super().setText(shown)
        self.setToolTip("" if shown == self.whole else self.whole)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # type: ignore[override]
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))
