"""Export of measured objects: table, outlines, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QPushButton, QWidget

from ...core.errors import TallyError, sentence
from ...measurement.export import Export
from ..layers.edited_labels import is_corrected
from ..layers.image_layer import PLUGIN

if TYPE_CHECKING:
    import pandas as pd
    from napari.layers import Labels

    from .job import Measured
    from .live_measurement import LiveMeasurement

_KINDS = (
    "CSV table (*.csv)", "Excel workbook (*.xlsx)", "Parquet table (*.parquet)",
    "AnnData (*.h5ad)", "ImageJ ROIs (*.zip)", "QuPath outlines (*.geojson)", "Report (*.html)",
)  # fmt: skip


class TakeTable(QWidget):
    """Buttons for the table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table: pd.DataFrame | None = None
        self.measured: Measured | None = None
        self.layer: Labels | None = None
        self.live: LiveMeasurement | None = None
        self.copy = QPushButton("Copy table")
        self.copy.setToolTip("Copy the table to the clipboard, to paste it into a spreadsheet.")
        self.export = QPushButton("Export...")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.copy)
        row.addWidget(self.export)
        self.copy.clicked.connect(self.to_clipboard)
        self.export.clicked.connect(self.ask)

    def take(
        self, table: pd.DataFrame, layer: Labels, measured: Measured, live: LiveMeasurement
    ) -> None:
        """Set the table of a layer's objects, and the measurement it is from."""
        self.table, self.layer, self.measured, self.live = table, layer, measured, live

    def _is_current(self) -> bool:
        """Measure edited labels again; warn and return False if that cannot be done now."""
        if self.live is None or self.live.update():
            return True
        show_warning(self.live.problem)
        return False

    def to_clipboard(self) -> None:
        """Copy the table to the clipboard, with tabs between the columns."""
        if not self._is_current():
            return
        assert self.table is not None
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.table.to_csv(index=False, sep="\t"))
        show_info(f"{len(self.table):,} rows copied to the clipboard.")

    def ask(self) -> None:
        """Ask for a file and write to it."""
        assert self.layer is not None
        if not self._is_current():
            return
        start = f"{self.layer.name}_objects.csv"
        name, _ = QFileDialog.getSaveFileName(self, "Export", start, ";;".join(_KINDS))
        if name:
            self.write(Path(name))

    def write(self, path: Path) -> None:
        """Write tables, outlines or a report, according to the suffix."""
        if not self._is_current():
            return
        try:
            files = self.contents().write(path)
        except TallyError as error:
            show_warning(sentence(error))
        else:
            show_info(f"Written: {', '.join(str(p) for p in files)}")

    def contents(self) -> Export:
        """Return the data to write."""
        assert self.table is not None and self.layer is not None and self.measured is not None
        job = self.measured.job
        known = self.layer.metadata.get(PLUGIN, {})
        segmented = {key: known[key] for key in ("model", "options") if key in known}
        if "options" in segmented and is_corrected(self.layer):
            segmented["options"] = {**segmented["options"], "edited": "by hand"}
        labels = job.labels.calibrated_by(job.images)
        parents = self.measured.children
        return Export(self.table, labels, job.images, job.options, segmented, parents)
