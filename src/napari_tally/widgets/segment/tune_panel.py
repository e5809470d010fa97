"""Sliders for the numbers by which a head decodes; a change is told once they rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLineEdit, QWidget
from superqt import QLabeledDoubleSlider

if TYPE_CHECKING:
    from ...heads.base import Head

_REST_MS = 60
_STEP = 0.01
_MOST = 3.0  # where a number has no upper bound
_WORDS = {"tolerance": "Join", "core": "Core", "inside": "Core", "mean_probability": "Mean prob."}


class TunePanel(QWidget):
    """Threshold, smallest size and the head's own numbers."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = QFormLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setVerticalSpacing(4)
        self.sliders: dict[str, QLabeledDoubleSlider] = {}
        self.semantic = False
        self.smallest = QLineEdit()
        self.smallest.setToolTip("Smallest object that is kept, such as 20um2 or 50px2.")
        self.smallest.editingFinished.connect(self._rest_now)
        self.apart = QCheckBox("Separate objects")
        self.apart.setToolTip("What hangs together of each class becomes an object of its own.")
        self.apart.toggled.connect(self._separate_toggled)
        self.rows.addRow(self.apart)
        self.rows.addRow("Smallest", self.smallest)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self.changed)
        self._told = ""

    def offer(self, head: Head) -> None:
        """Show a slider for each number of this head, at the head's own values."""
        for slider in self.sliders.values():
            self.rows.removeRow(slider)
        self.sliders.clear()
        self.semantic = not head.finds_objects
        fields = type(head.object_head).model_fields
        for place, (name, value) in enumerate(head.parameters.items()):
            low, high = _bounds(fields[name].metadata)
            slider = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
            slider.setRange(low, high)
            slider.setDecimals(2)
            slider.setValue(value)
            slider.setToolTip(fields[name].description or name)
            slider.valueChanged.connect(self._timer.start)
            self.sliders[name] = slider
            self.rows.insertRow(
                place, _WORDS.get(name, name.replace("_", " ").capitalize()), slider
            )
        self.rows.setRowVisible(self.apart, self.semantic)
        self._show_smallest()

    def options(self, head: Head) -> dict[str, Any]:
        """Return what differs from the head's own values, as fields of the options."""
        own = head.parameters
        moved = {
            n: round(s.value(), 2)
            for n, s in self.sliders.items()
            if round(s.value(), 2) != round(own[n], 2)
        }
        smallest = self.smallest.text().strip() if self.smallest.isVisibleTo(self) else ""
        found: dict[str, Any] = {"min_size": smallest or None}
        found["threshold"] = moved.pop("threshold", None)
        found["separate"] = self.semantic and self.apart.isChecked()
        return found | {"tune": moved}

    def put(self, head: Head) -> None:
        """Put the sliders where a head has its numbers, without telling."""
        for name, slider in self.sliders.items():
            slider.blockSignals(True)
            slider.setValue(head.parameters[name])
            slider.blockSignals(False)

    def _show_smallest(self) -> None:
        """Ask for a smallest size only where there are objects."""
        self.rows.setRowVisible(self.smallest, not self.semantic or self.apart.isChecked())

    def _separate_toggled(self) -> None:
        self._show_smallest()
        self._timer.start()

    def _rest_now(self) -> None:
        if self.smallest.text() != self._told:
            self._told = self.smallest.text()
            self._timer.start()


def _bounds(metadata: list[Any]) -> tuple[float, float]:
    """Return the range of a slider, from the limits of the field."""
    lows = [m.gt + _STEP for m in metadata if hasattr(m, "gt")]
    lows += [m.ge for m in metadata if hasattr(m, "ge")]
    highs = [m.lt for m in metadata if hasattr(m, "lt")]
    return max(lows, default=_STEP), min(highs, default=_MOST) - _STEP
