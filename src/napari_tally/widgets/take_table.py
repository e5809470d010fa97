"""What one takes from measured objects: the table, on the clipboard or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QPushButton, QWidget

from ..core.errors import TallyError, sentence

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels

    from .measure_job import Measured


class TakeTable(QWidget):
    """Buttons for the table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table: pd.DataFrame | None = None
        self.measured: Measured | None = None
        self.layer: Labels | None = None
        self.copy = QPushButton("Copy table")
        self.copy.setToolTip("Put the table on the clipboard, to be pasted into a spreadsheet.")
        self.export = QPushButton("Export...")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.copy)
        row.addWidget(self.export)
        self.copy.clicked.connect(self.to_clipboard)
        self.export.clicked.connect(self.ask)

    def take(self, table: pd.DataFrame, layer: Labels, measured: Measured) -> None:
        """Take a table of a layer's objects, and what was measured for it."""
        self.table, self.layer, self.measured = table, layer, measured

    def to_clipboard(self) -> None:
        """Put the table on the clipboard, tabs between the columns."""
        assert self.table is not None
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.table.to_csv(index=False, sep="\t"))
        show_info(f"{len(self.table):,} rows are on the clipboard.")

    def ask(self) -> None:
        """Ask for a file and write the table to it."""
        assert self.layer is not None
        kinds = "CSV (*.csv);;Parquet (*.parquet)"
        start = f"{self.layer.name}_objects.csv"
        name, _ = QFileDialog.getSaveFileName(self, "Export the table", start, kinds)
        if name:
            self.write(Path(name))

    def write(self, path: Path) -> None:
        """Write the table."""
        from ..files.tables import write_table

        assert self.table is not None
        try:
            write_table(self.table, path)
        except TallyError as error:
            show_warning(sentence(error))
        else:
            show_info(f"{len(self.table):,} rows written to {path}")
