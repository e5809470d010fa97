"""A dock with content that scrolls if the window is too low."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget


def scrolled(dock: QWidget) -> QVBoxLayout:
    """Fill a dock with a scroll area, and return its layout."""
    outer, area, inner = QVBoxLayout(dock), _WideArea(), QWidget()
    outer.setContentsMargins(0, 0, 0, 0)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inner)
    inner.installEventFilter(area)
    outer.addWidget(area)
    return QVBoxLayout(inner)


class _WideArea(QScrollArea):
    """A scroll area that is always as wide as its content, even when that changes."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:
        inner, bar = self.widget(), self.verticalScrollBar()
        assert inner is not None and bar is not None
        width = inner.minimumSizeHint().width() + bar.sizeHint().width()
        return QSize(width, super().minimumSizeHint().height())
