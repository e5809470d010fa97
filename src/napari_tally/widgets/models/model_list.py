"""The list of models, and the facts about the one that is selected."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from ...core.errors import printable
from ...models.known_models import Entry, library
from ..controls.wrapped_label import WrappedLabel

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = 10  # that are visible
_CLASSES = 8  # that are named
_DIGITS = 16  # of a checksum


class ModelList(QWidget):
    """Names of all models by what they are for; below, the facts about the selected one."""

    selected = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.names, self.facts = QListWidget(), WrappedLabel()
        self.names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.names.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.names)
        column.addWidget(self.facts)
        self.entries: list[Entry | None] = []  # of the rows; None is a heading
        self.names.currentRowChanged.connect(self._show)
        self.refresh()

    @property
    def entry(self) -> Entry | None:
        """The selected model."""
        row = self.names.currentRow()
        return self.entries[row] if 0 <= row < len(self.entries) else None

    def refresh(self, choose: str = "") -> None:
        """List the models anew; select one by name, else the one before."""
        wanted = choose or (self.entry.name if self.entry is not None else "")
        self.entries = []
        self.names.blockSignals(True)
        self.names.clear()
        for group, members in groupby(library(), key=lambda entry: entry.group):
            self._add(group, None)
            for entry in members:
                self._add(entry.name, entry)
        height = max(1, self.names.sizeHintForRow(0))
        rows = min(_ROWS, max(3, len(self.entries)))
        self.names.setFixedHeight(height * rows + 2 * self.names.frameWidth() + 4)
        self.names.blockSignals(False)
        found = [entry and entry.name for entry in self.entries]
        self.names.setCurrentRow(found.index(wanted) if wanted in found else 1)
        self._show()

    def _add(self, text: str, entry: Entry | None) -> None:
        """Add a row of a model, or a heading."""
        item = QListWidgetItem(text)
        if entry is None:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        else:
            item.setToolTip(printable(entry.purpose))
        self.names.addItem(item)
        self.entries.append(entry)

    def _show(self) -> None:
        entry = self.entry
        self.facts.setText("" if entry is None else "\n".join(facts(entry)))
        self.selected.emit()


def facts(entry: Entry) -> Iterator[str]:
    """Yield what a list of models shows of one, a line each."""
    yield printable(entry.purpose, 300)
    if entry.info is None:
        return
    classes = entry.classes
    more = f" and {len(classes) - _CLASSES} more" if len(classes) > _CLASSES else ""
    if entry.images:
        yield f"Images: {printable(entry.images)}"
    if entry.takes:
        yield f"Takes: {entry.takes}"
    yield f"Finds: {printable(', '.join(classes[:_CLASSES]), 200)}{more}"
    yield f"Licence: {printable(entry.licence)}"
    yield f"Source: {printable(entry.source)}"
    yield f"Size: {entry.size}"
    yield f"SHA-256: {entry.sha256[:_DIGITS]}..."
