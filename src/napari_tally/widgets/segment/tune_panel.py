"""Sliders for post-processing parameters; a change is reported when they come to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import FloatSlider
from qtpy.QtCore import QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QDoubleSpinBox, QVBoxLayout, QWidget

from ...core.options import OptionField, option_fields
from ...segmentation.setup.options import SegmentOptions
from ..controls.length_edit import LengthEdit
from ..controls.option_editors import tip
from ..controls.options_form import OptionsForm

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...heads.base import Head

TUNED = ("threshold", "tune", "separate", "min_size")  # options that this panel asks for
_REST_MS = 60
_STEP = 0.01
_MOST = 3.0  # where a number has no upper bound


class TunePanel(QWidget):
    """Threshold, minimum size and the head's own parameters."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.min_size = LengthEdit(name="min_size", hint="default", unit="px2")
        self.form = OptionsForm(
            SegmentOptions, ["separate", self.min_size], include=("separate", "min_size")
        )
        self.separate = self.form.editors["separate"]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form.native)
        self.sliders: dict[str, FloatSlider] = {}
        self.semantic = False
        self.min_size.native.editingFinished.connect(self._rest_now)
        self.separate.changed.connect(self._separate_toggled)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self.changed)
        self._reported = ""

    def offer(self, head: Head, without: tuple[str, ...] = ()) -> None:
        """Show a slider for each parameter of a head but some, at the head's values."""
        for slider in self.sliders.values():
            self.form.remove(slider)
        self.semantic = not head.finds_objects
        fields = {field.name: field for field in option_fields(type(head.object_head))}
        self.sliders = {
            name: _slider(fields[name], value)
            for name, value in head.parameters.items()
            if name not in without
        }
        for place, slider in enumerate(self.sliders.values()):
            self.form.insert(place, slider)
            slider.changed.connect(self._start_rest)
        self.form.label_column.align()
        self.form.show_row(self.separate, visible=self.semantic)
        self._show_min_size()

    def set_units(self, volume: Volume, ndim: int) -> None:
        """Read a plain minimum size in the unit of an image: an area or a volume."""
        self.min_size.unit = f"{volume.unit}{ndim}"

    def options(self, head: Head) -> dict[str, Any]:
        """Return the values that differ from the head's, as fields of the options."""
        own = head.parameters
        moved = {
            name: round(slider.value, 2)
            for name, slider in self.sliders.items()
            if round(slider.value, 2) != round(own[name], 2)
        }
        asked = self.form.values()
        return {
            "threshold": moved.pop("threshold", None),
            "tune": moved,
            "separate": asked.separate,
            "min_size": asked.min_size,
        }

    def put(self, head: Head) -> None:
        """Set the sliders to the parameters of a head, without reporting a change."""
        for name, slider in self.sliders.items():
            with slider.changed.blocked():
                slider.value = head.parameters[name]

    def _show_min_size(self) -> None:
        """Show the minimum size only for models of objects."""
        self.form.show_row(self.min_size, visible=not self.semantic or self.separate.value)

    def _start_rest(self) -> None:
        self._timer.start()

    def _separate_toggled(self) -> None:
        self._show_min_size()
        self._timer.start()

    def _rest_now(self) -> None:
        if self.min_size.value != self._reported:
            self._reported = self.min_size.value
            self._timer.start()


def _slider(field: OptionField, value: float) -> FloatSlider:
    """Return a slider with the limits, label and description of a field."""
    low = _STEP if field.low is None else field.low + _STEP * field.open_low
    high = _MOST if field.high is None else field.high - _STEP * field.open_high
    slider = FloatSlider(
        value=value, min=low, max=max(high, value), step=_STEP, name=field.name,
        label=field.label, tooltip=tip(field),
    )  # fmt: skip
    number = slider.native.findChild(QDoubleSpinBox)
    number.setStyleSheet("background: transparent; border: 0; padding: 0; min-width: 0;")
    number.setFixedWidth(number.fontMetrics().horizontalAdvance("0.00") + 14)
    return slider
