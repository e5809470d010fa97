"""The form of the Measure dock: labels, images, parents and groups of measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, Container, LineEdit
from napari.layers import Labels

from ...features.declare.feature import Cost
from ...features.declare.options import DEFAULT, Measurements
from ...features.registry import GROUPS
from ..controls.elided_text import elided
from ..controls.layer_combo import LayerCombo
from ..controls.length_edit import LengthEdit
from ..controls.options_form import OptionsForm
from ..controls.section import Section

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from ...core.volume import Volume
    from ...features.declare.feature import Group


class MeasureForm(OptionsForm[Measurements]):
    """Labels, images and groups of measurements."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.label_layer = LayerCombo(
            viewer, Labels, name="labels", tooltip="The label layer to measure."
        )
        self.axes = LineEdit(
            name="axes", tooltip="One letter of TZYX for each axis of the labels, such as TYX."
        )
        self.images = LayerChecks(
            name="images",
            label="Images",
            tooltip="Images on the same grid, to measure intensities.",
        )
        self.parents = LayerCombo(
            viewer, Labels, follows=False, none="none", name="parents", label="Inside",
            tooltip="Labels that contain the objects: cells of nuclei, organs of lesions.",
        )  # fmt: skip
        self.spacing = LengthEdit(
            name="spacing", label="Voxel size", hint="unknown", unit="um",
            tooltip="Size of a voxel, such as 0.5,0.26,0.26um. Unknown: sizes are in px.",
        )  # fmt: skip
        self.grow = LengthEdit(
            name="grow", label="Grow to cells", hint="no",
            tooltip="Also measure cells: each nucleus expanded by a distance such as 5um.",
        )  # fmt: skip
        super().__init__(
            Measurements,
            [self.label_layer, self.axes, self.images, self.parents, self.spacing, self.grow],
            exclude=("groups",),
        )
        self.groups = {name: _tick(group) for name, group in GROUPS.items()}
        ticks = Container[CheckBox](widgets=list(self.groups.values()), labels=False)
        ticks.margins = (0, 0, 0, 0)
        ticks.native.layout().setSpacing(2)
        self.what = Section("What to measure", ticks.native)
        self.native.layout().addWidget(self.what)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The groups that are ticked."""
        return tuple(name for name, tick in self.groups.items() if tick.value)

    def offer_images(self, layers: list[Image]) -> None:
        """List image layers, ticked unless they were unticked before."""
        self.images.offer(layers)
        self.show_row(self.images, visible=bool(layers))

    def set_units(self, volume: Volume) -> None:
        """Read plain numbers in the unit of the labels: px without calibration."""
        self.grow.unit = volume.unit
        self.spacing.unit = volume.unit if volume.calibrated else "um"


class LayerChecks(Container[CheckBox]):
    """One check box per layer."""

    def __init__(self, **options: Any) -> None:
        self.layers: list[Any] = []
        super().__init__(labels=False, **options)
        self.margins = (0, 0, 0, 0)
        self.native.layout().setSpacing(2)

    @property
    def ticked(self) -> list[Any]:
        """The layers that are ticked."""
        return [layer for layer, box in zip(self.layers, self, strict=True) if box.value]

    def offer(self, layers: list[Any]) -> None:
        """List layers, ticked unless they were unticked before."""
        off = set(self.layers) - set(self.ticked)
        self.clear()
        self.layers = layers
        for layer in layers:
            text = elided(layer.name)
            tip = layer.name if text != layer.name else ""
            self.append(CheckBox(value=layer not in off, text=text, tooltip=tip))


def _tick(group: Group) -> CheckBox:
    """Return the check box of a group; its tooltip lists the measurements and their cost."""
    slow = {Cost.PASS: "", Cost.SOME: "", Cost.MUCH: "  (slow)"}[group.cost]
    names = dict.fromkeys(f.title for f in group.features)
    return CheckBox(
        value=group.name in DEFAULT,
        text=group.title + slow,
        tooltip=f"{', '.join(names)}.\nTakes {group.cost.value}.",
    )
