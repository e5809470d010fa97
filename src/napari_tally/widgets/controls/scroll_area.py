"""A dock with content that scrolls if the window is too low."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

_SETTLE_MS = 100


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


def scroll_to(part: QWidget) -> None:
    """Scroll until a part of a dock is in sight, once the layout has settled."""
    area = _area_of(part)
    if area is not None:
        settled = QTimer(area)  # which ends with the dock
        settled.setSingleShot(True)
        settled.timeout.connect(lambda: area.ensureWidgetVisible(part))
        settled.timeout.connect(settled.deleteLater)
        settled.start(_SETTLE_MS)


def _area_of(part: QWidget) -> QScrollArea | None:
    parent = part.parentWidget()
    while parent is not None and not isinstance(parent, QScrollArea):
        parent = parent.parentWidget()
    return parent


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
