"""Aligned labels of form rows, wide enough in the font of the window."""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

_MOST = 112  # px; longer labels take several lines
_WHEN = (QEvent.Type.Show, QEvent.Type.FontChange, QEvent.Type.StyleChange)


class LabelColumn(QObject):
    """Keeps the labels of magicgui's rows equally wide.

    magicgui measures them in the application's font, which is not napari's: they would be cut off.
    """

    def __init__(self, column: QWidget) -> None:
        super().__init__(column)
        self.column = column
        column.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in _WHEN:
            self.align()
        return super().eventFilter(watched, event)

    def align(self) -> None:
        """Make all labels as wide as the widest."""
        labels = list(_labels(self.column))
        for label in labels:
            label.ensurePolished()
            label.setWordWrap(False)
        widths = [label.sizeHint().width() for label in labels]
        wide = min(_MOST, max(widths, default=0))
        for label, width in zip(labels, widths, strict=True):
            label.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
            label.setWordWrap(width > wide)
            label.setFixedWidth(wide)


def _labels(column: QWidget) -> Iterator[QLabel]:
    """Yield the labels of rows, the first widget of each."""
    rows = column.layout()
    for place in range(rows.count() if rows is not None else 0):
        row = rows.itemAt(place).widget()  # type: ignore[union-attr]
        parts = row.layout() if row is not None else None
        first = parts.itemAt(0) if parts is not None and parts.count() else None
        label = first.widget() if first is not None else None
        if isinstance(label, QLabel):
            yield label
