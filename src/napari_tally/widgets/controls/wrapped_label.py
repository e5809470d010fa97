"""Text that wraps and is never cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QWidget

from .elided_text import elided_words

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent


class Words(QLabel):
    """A label that is always as high as its text at its width; layouts alone do not keep to it.

    Words that are longer than a row, such as names of layers, are elided: they cannot wrap, and
    would make the dock wider. The tooltip has them whole.
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
