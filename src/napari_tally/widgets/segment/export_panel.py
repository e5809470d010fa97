"""Export of a result: its table, prediction maps, and the code that reproduces it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_info, show_warning
from qtpy.QtWidgets import QApplication, QFileDialog, QGridLayout, QPushButton, QWidget

from ...core.errors import OutputExistsError, TallyError, sentence
from ...segmentation.maps.network_grid import network_grid
from ...segmentation.reproduce import command_line, python_code
from ..controls.features_table import show_table
from ..layers.edited_labels import is_corrected
from ..layers.object_finder import Finder
from .result_parts import tables_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Shapes

    from .job import Done
    from .live_result import LiveResult
    from .result_parts import Part


class TakeAway(QWidget):
    """Buttons for the table, its file, the maps, and the code."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.done: Done | None = None
        self.live: LiveResult | None = None
        self.parts: list[Part] = []
        self.layer: Labels | None = None
        self.boxes: Shapes | None = None
        self.refresh = QPushButton("Update")
        self.refresh.setToolTip("Measure the edited labels again.")
        self.refresh.setVisible(False)
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
            if title == "Show maps":
                self.maps = button
        grid.addWidget(self.refresh, len(self.buttons) // 2, len(self.buttons) % 2)

    def take(self, done: Done, live: LiveResult | None, boxes: Shapes | None = None) -> None:
        """Set a result, the tables that follow the edits of its layers, and its layer of boxes."""
        self.done, self.live, self.parts = done, live, tables_of(done)
        self.layer = None if live is None else live.kinds.get(self.parts[-1].kind)
        self.boxes = boxes
        self.maps.setVisible(not done.model.info.finds_masks)
        self.refresh.setVisible(False)
        if self.finder.layer is not None:
            self._follow()

    def _is_current(self) -> bool:
        """Measure edited labels again; warn and return False if that cannot be done now."""
        if self.live is None or self.layer is None:
            return True  # boxes
        if self.layer not in self.viewer.layers:
            show_info(f"{self.layer.name} was removed: this is the table of its last labels.")
        elif not self.live.update():
            show_warning(self.live.problem)
            return False
        return True

    def show_table(self) -> None:
        """Open napari's own table of the objects: a row selects its object, and the reverse."""
        self._is_current()
        if self.layer is None:
            if self.boxes in self.viewer.layers:
                self.viewer.layers.selection.active = self.boxes
        elif self.layer in self.viewer.layers:
            self.viewer.layers.selection.active = self.layer
            self._follow()
            self.finder.find()
        show_table(self.viewer)

    def _follow(self) -> None:
        assert self.done is not None
        if self.layer is None:
            self.finder.stop()
            return
        self.finder.follow(self.layer, self.parts[-1].own, self.done.result.volume.axes)

    def export(self) -> None:
        """Ask for a file and write the table to it."""
        assert self.done is not None
        if not self._is_current():
            return
        start = f"{self.done.job.layer_name}_{self.parts[-1].kind}.csv"
        kinds = "CSV (*.csv);;Excel (*.xlsx);;Parquet (*.parquet);;AnnData (*.h5ad)"
        name, _ = QFileDialog.getSaveFileName(self, "Export the table", start, kinds)
        if name:
            self.write(Path(name))

    def write(self, path: Path) -> None:
        """Write the table; classes and segments go to separate files.

        Their names end in `_classes` and `_segments`; existing files are not replaced.
        """
        from ...files.tables.tables import write_table

        if not self._is_current():
            return
        *others, last = self.parts
        paths = {path: last.table}
        for part in others:
            paths[path.with_stem(f"{path.stem}_{part.kind}")] = part.table
        if self.done is not None and self.done.result.segments is not None:
            job, table = self.done.job, self.done.result.segments
            segments = job.region.shifted(table, job.volume)
            paths[path.with_stem(f"{path.stem}_segments")] = segments
        try:
            for other in [p for p in paths if p != path and p.exists()]:
                raise OutputExistsError(f"{other} exists", hint="Choose another name")
            for place, table in paths.items():
                write_table(table, place)
        except TallyError as error:
            show_warning(sentence(error))
        else:
            show_info(", ".join(f"{len(t):,} rows written to {p}" for p, t in paths.items()))

    def show_maps(self) -> None:
        """Add the network's maps as image layers."""
        assert self.done is not None
        job, result, info = self.done.job, self.done.result, self.done.model.info
        if result.maps is None:
            show_info("The prediction maps of this run were too large to cache.")
            return
        maps = list(result.maps)
        if not maps[0].size:
            show_info("There are no prediction maps: the image is constant.")
            return
        ndim = maps[0].ndim - 1
        shape = result.volume.shape
        lead, plane = shape[:-ndim], shape[-ndim:]
        turn = network_grid(job.cut, plane, info)[0].turn
        maps = [m if turn is None else turn.back(m) for m in maps]
        geometry: dict[str, Any] = dict(job.geometry)
        step = np.ones(len(shape))
        step[len(lead) :] = np.divide(plane, maps[0].shape[1:])
        geometry["scale"] = geometry["scale"] * step
        for number, name in enumerate(info.head.channel_names(ndim)):
            data = np.stack([m[number] for m in maps]).reshape(*lead, *maps[0].shape[1:])
            self.viewer.add_image(
                data.astype(np.float32), name=f"{job.layer_name} {name}", visible=number == 0,
                blending="additive", **geometry,
            )  # fmt: skip

    def copy_python(self) -> None:
        """Copy Python code that reproduces this result to the clipboard."""
        assert self.done is not None
        _copy(python_of(self.done), "Python code", self._before_edits)

    def copy_command(self) -> None:
        """Copy the command that reproduces this result to the clipboard."""
        assert self.done is not None
        job = self.done.job
        if not job.source or not job.region.is_whole(job.volume.shape):
            show_warning("A command works on whole files. Use Copy Python instead.")
            return
        _copy(command_of(self.done), "Command", self._before_edits)

    @property
    def _before_edits(self) -> str:
        """A note if the code does not give what is shown."""
        if self.layer is None:
            return ""
        edited = self.layer in self.viewer.layers and is_corrected(self.layer)
        return f" It gives the result before your edits of {self.layer.name}." if edited else ""


def python_of(done: Done) -> str:
    """Return Python code that reproduces a result."""
    job = done.job
    image = job.source or f"viewer.layers[{job.layer_name!r}].data"
    cuts = None if job.region.is_whole(job.volume.shape) else job.region.cuts
    return python_code(image, job.model, job.options, **_reading(done), cuts=cuts)


def command_of(done: Done) -> str:
    """Return the command that reproduces a result."""
    return command_line(done.job.source, done.job.model, done.job.options, **_reading(done))


def _reading(done: Done) -> dict[str, str | None]:
    """Return the axes and spacing that reading the image needs; None where its file has them."""
    job, volume = done.job, done.job.volume
    placed = volume.affine is not None and bool(job.source) and not job.corrected
    if placed and job.region.is_whole(volume.shape):
        # The file has both, and its axes may be ordered otherwise than the layer's.
        return {"axes": None, "spacing": None}
    if volume.spacing is None:
        return {"axes": volume.axes, "spacing": None}
    spacing = ",".join(map(repr, map(float, volume.spacing))) + volume.unit
    return {"axes": volume.axes, "spacing": spacing}


def _copy(text: str, what: str, note: str) -> None:
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
    show_info(f"{what} copied to the clipboard.{note}")
