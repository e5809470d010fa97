"""Run and Cancel buttons, a progress bar and a status line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from napari.utils.notifications import show_warning
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ...network.tiled_inference import STAGE as NETWORK
from .wrapped_label import WrappedLabel

if TYPE_CHECKING:
    from ...core.progress import Step

PLANES = "separate objects"  # a stage of `segmentation.segment`, which takes 0.2 s to import


class RunPanel(QWidget):
    """Two buttons, a progress bar and a status line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run = QPushButton("Run")
        self.cancel = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.status = WrappedLabel()
        self.started = 0.0
        self.planes = (0, 1)  # done, total
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(buttons)
        column.addWidget(self.bar)
        column.addWidget(self.status)
        self.idle()

    @property
    def busy(self) -> bool:
        """Whether the panel shows a run."""
        return self.cancel.isEnabled()

    def start(self) -> None:
        """Show that a run has started."""
        self.started, self.planes = time.monotonic(), (0, 1)
        self._set(busy=True)
        self.say("Starting...")

    def idle(self) -> None:
        """Show that nothing runs."""
        self._set(busy=False)

    def _set(self, *, busy: bool) -> None:
        self.run.setEnabled(not busy)
        self.cancel.setEnabled(busy)
        self.bar.setVisible(busy)
        self.bar.setRange(0, 0)

    def step(self, step: Step) -> None:
        """Show the progress and about how much time is left."""
        if step.stage == PLANES:
            self.planes = (step.done, max(1, step.total))
        within = step.done / step.total if step.stage == NETWORK and step.total else 0.0
        done, total = self.planes
        share = min(1.0, (done + within) / total)
        self.bar.setRange(0, 100 if share else 0)
        self.bar.setValue(round(100 * share))
        left = ""
        if share and (total > 1 or step.stage == NETWORK):
            seconds = (time.monotonic() - self.started) * (1 / share - 1)
            left = f", about {seconds:.0f} s left"
        self.say(step.note or f"{step.stage[:1].upper()}{step.stage[1:]}{left}")

    def say(self, text: str, *, warn: bool = False) -> None:
        """Show a message; a warning appears in napari's notifications too."""
        self.status.setText(text)
        if warn:
            show_warning(text)
