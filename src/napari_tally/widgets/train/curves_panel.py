"""Live charts of the loss and the validation scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QTimer

from ..controls.chart import Chart, dress

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QWidget

    from ...training.loop.history import Learning

_EVERY_MS = 500
_COLOURS = ("#4c9be8", "#e8964c", "#7bc86c", "#cc79a7", "#f0e442", "#009e73")
_POINTS = 400  # of the loss, each the mean of some steps


class TrainingCurves(Chart):
    """Two charts, drawn at most twice a second."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(220, parent)
        self.viewer = viewer
        self.losses: list[tuple[int, float]] = []
        self.scores: list[tuple[int, dict[str, float]]] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.draw)

    def begin(self) -> None:
        """Clear the charts."""
        self.losses, self.scores = [], []
        self.draw()

    def add(self, step: Learning) -> None:
        """Add a step."""
        if np.isfinite(step.loss):
            self.losses.append((step.done, step.loss))
        if step.scores:
            self.scores.append((step.done, dict(step.scores)))
        if not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        """Stop drawing."""
        self._timer.stop()

    def draw(self) -> None:
        """Draw all steps so far."""
        self.figure.clear()
        upper, lower = self.figure.subplots(2, 1, sharex=True)
        dress(self.figure, upper, self.viewer.theme)
        text = dress(self.figure, lower, self.viewer.theme)
        self._draw_loss(upper)
        names = list(dict.fromkeys(name for _, scores in self.scores for name in scores))
        for name, color in zip(names, _COLOURS, strict=False):
            points = [(step, scores[name]) for step, scores in self.scores if name in scores]
            lower.plot(*zip(*points, strict=True), color=color, marker="o", ms=3, label=name)
        if names:
            lower.legend(fontsize=7, frameon=False, labelcolor=text)
        upper.set_ylabel("loss", fontsize=8)
        lower.set_ylabel("validation", fontsize=8)
        lower.set_xlabel("step", fontsize=8)
        lower.set_ylim(0, 1.02)
        self.canvas.draw_idle()

    def _draw_loss(self, axes: Any) -> None:
        if not self.losses:
            return
        parts = np.array_split(np.array(self.losses), min(_POINTS, len(self.losses)))
        means = np.array([part.mean(axis=0) for part in parts])
        axes.plot(means[:, 0], means[:, 1], color=_COLOURS[0], lw=1)
