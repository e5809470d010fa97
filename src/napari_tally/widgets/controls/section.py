"""A collapsible section of a dock."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """A title with an arrow above its content; closed at first.

    superqt's QCollapsible keeps the height that its content had when it was opened, and squeezes
    widgets that are added later.
    """

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = content
        self.title = QToolButton()
        self.title.setText(title)
        self.title.setCheckable(True)
        self.title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.title)
        column.addWidget(content)
        self.title.toggled.connect(self._toggle)
        self._toggle(False)

    def open(self) -> None:
        """Show the content."""
        self.title.setChecked(True)

    def close_content(self) -> None:
        """Hide the content."""
        self.title.setChecked(False)

    def _toggle(self, on: bool) -> None:
        self.title.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.content.setVisible(on)
