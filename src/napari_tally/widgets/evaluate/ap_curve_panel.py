"""Average precision at each IoU threshold, one line per prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..controls.chart import Chart, dress

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QWidget

    from ...evaluation.evaluation import Evaluation

_LINES = ("#4c9be8", "#e8964c")


class CurvePanel(Chart):
    """A chart in napari's colours."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(150, parent)
        self.viewer = viewer
        self.found: Sequence[Evaluation] = ()
        viewer.events.theme.connect(self._draw)

    def show_evaluations(self, found: Sequence[Evaluation]) -> None:
        """Draw a line for each evaluation of objects."""
        self.found = found
        self._draw()

    def stop(self) -> None:
        """Let go of the viewer."""
        self.viewer.events.theme.disconnect(self._draw)

    def _draw(self, _event: Any = None) -> None:
        if not self.found:
            return
        self.figure.clear()
        axes = self.figure.subplots()
        text = dress(self.figure, axes, self.viewer.theme)
        for each, color in zip(self.found, _LINES, strict=False):
            table = each.thresholds
            axes.plot(table["iou"], table["ap"], color=color, marker="o", label=each.name)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("IoU")
        axes.set_ylabel("AP")
        if len(self.found) > 1:
            axes.legend(fontsize=8, frameon=False, labelcolor=text)
        self.canvas.draw_idle()
