"""The label layer of a result: updated by the next run, unless it was edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..layers.edited_labels import is_corrected, sign
from ..layers.image_layer import PLUGIN, note_geometry

if TYPE_CHECKING:
    import numpy as np
    from napari.components import ViewerModel
    from napari.layers import Labels
    from napari.utils.colormaps import DirectLabelColormap

    from .job import Done, Job
    from .result_parts import Part


class ResultLayer:
    """Where the dock shows its last result."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.layer: Labels | None = None
        self.job: Job | None = None
        self.name = ""

    @property
    def is_ours(self) -> bool:
        """Whether the layer still exists, unedited."""
        if self.layer is None or self.layer not in self.viewer.layers:
            return False
        return not is_corrected(self.layer)

    def show(self, done: Done, part: Part, contour: int) -> Labels:
        """Show a part of a result: in the last layer if that is unedited, else in a new one."""
        if not (self.is_ours and self._same_place(done.job, part)):
            self._add(done, part, contour)
        assert self.layer is not None
        self.job, self.name = done.job, part.name
        self.put(part.labels.copy())  # the result stays as found when the layer is painted
        self.layer.metadata[PLUGIN] = {
            **note_geometry(done.job.volume),
            "model": done.result.model,
            "options": done.result.options.model_dump(mode="json"),
        }
        return self.layer

    def put(self, labels: NDArray[np.integer]) -> None:
        """Set the labels of the layer without counting that as an edit."""
        assert self.layer is not None and self.job is not None
        self.layer.data = labels
        sign(self.layer, self.job.layer_name, self.job.model)

    def _same_place(self, job: Job, part: Part) -> bool:
        """Tell whether a job is about the same part of the same image as the last one."""
        last = self.job
        return (
            last is not None
            and self.name == part.name
            and last.volume.array is job.volume.array
            and last.volume.axes == job.volume.axes
            and last.region == job.region
        )

    def _add(self, done: Done, part: Part, contour: int) -> None:
        add: Any = self.viewer.add_labels
        self.layer = add(part.labels, name=part.name, **done.job.geometry)
        self.layer.contour = contour
        if part.colors:
            self.layer.colormap = class_colors(part.colors)


def class_colors(colors: tuple[str, ...]) -> DirectLabelColormap:
    """Return a colormap of classes; the background and unknown ids are transparent."""
    from napari.utils.colormaps import DirectLabelColormap

    clear: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    return DirectLabelColormap(color_dict=clear | dict(enumerate(colors, start=1)))
