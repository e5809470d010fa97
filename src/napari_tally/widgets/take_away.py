"""What one takes from a result: the table, the maps, and the code that makes it again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QApplication, QFileDialog, QGridLayout, QPushButton, QWidget

from ..core.errors import TallyError, sentence
from ..pipeline.as_code import command_line, python_code
from .finder import Finder
from .table_dock import show_table

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Labels

    from .job import Done


class TakeAway(QWidget):
    """Buttons for the table, its file, the maps, and the code."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.done: Done | None = None
        self.table: pd.DataFrame | None = None
        self.layer: Labels | None = None
        self.finder = Finder(viewer)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        self.buttons = {
            "Show table": self.show_table,
            "Export table...": self.export,
            "Show maps": self.show_maps,
            "Copy Python": self.copy_python,
            "Copy command": self.copy_command,
        }
        for place, (title, action) in enumerate(self.buttons.items()):
            button = QPushButton(title)
            button.clicked.connect(action)
            grid.addWidget(button, place // 2, place % 2)

    def take(self, done: Done, table: pd.DataFrame, layer: Labels) -> None:
        """Take a result."""
        self.done, self.table, self.layer = done, table, layer
        if self.finder.layer is not None:
            self._follow()

    def show_table(self) -> None:
        """Open napari's own table of the objects: a row selects its object, and the reverse."""
        assert self.layer is not None
        if self.layer in self.viewer.layers:
            self.viewer.layers.selection.active = self.layer
            self._follow()
            self.finder.find()
        show_table(self.viewer)

    def _follow(self) -> None:
        assert self.layer is not None and self.done is not None
        result = self.done.result
        self.finder.follow(self.layer, result.table, result.volume.axes)

    def export(self) -> None:
        """Ask for a file and write the table to it."""
        assert self.done is not None
        start = f"{self.done.job.layer_name}_objects.csv"
        kinds = "CSV (*.csv);;Parquet (*.parquet)"
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

    def show_maps(self) -> None:
        """Add the network's maps as image layers."""
        assert self.done is not None and self.done.result.maps is not None
        job, result = self.done.job, self.done.result
        maps = list(self.done.result.maps)
        if not maps[0].size:
            show_info("There are no maps: the image has one value throughout.")
            return
        lead = result.labels.shape[: result.labels.ndim - (maps[0].ndim - 1)]
        names = self.done.model.info.head.channel_names(maps[0].ndim - 1)
        geometry: dict[str, Any] = dict(job.geometry)
        step = np.ones(len(geometry["scale"]))
        step[len(lead) :] = np.divide(result.labels.shape[len(lead) :], maps[0].shape[1:])
        geometry["scale"] = geometry["scale"] * step
        for number, name in enumerate(names):
            data = np.stack([m[number] for m in maps]).reshape(*lead, *maps[0].shape[1:])
            self.viewer.add_image(
                data.astype(np.float32), name=f"{job.layer_name} {name}", visible=number == 0,
                blending="additive", **geometry,
            )  # fmt: skip

    def copy_python(self) -> None:
        """Put a Python program that makes this result on the clipboard."""
        assert self.done is not None
        _copy(python_of(self.done), "Python")

    def copy_command(self) -> None:
        """Put the command that makes this result on the clipboard."""
        assert self.done is not None
        job = self.done.job
        if not job.source or not job.region.is_whole(job.volume.shape):
            show_warning("A command needs a file and the whole of it: take the Python instead.")
            return
        _copy(command_of(self.done), "The command")


def python_of(done: Done) -> str:
    """Return the Python program that makes a result again."""
    job = done.job
    image = job.source or f"viewer.layers[{job.layer_name!r}].data"
    cuts = None if job.region.is_whole(job.volume.shape) else job.region.cuts
    return python_code(
        image, job.model, job.options, axes=job.volume.axes, spacing=_spacing(done), cuts=cuts
    )


def command_of(done: Done) -> str:
    """Return the command that makes a result again."""
    job = done.job
    axes, spacing = job.volume.axes, _spacing(done)
    return command_line(job.source, job.model, job.options, axes=axes, spacing=spacing)


def _spacing(done: Done) -> str | None:
    volume = done.job.volume
    if volume.spacing is None:
        return None
    return ",".join(map(repr, map(float, volume.spacing))) + volume.unit


def _copy(text: str, what: str) -> None:
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
    show_info(f"{what} is on the clipboard.")
