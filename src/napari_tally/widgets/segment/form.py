"""The form of the Segment dock: segmentation options, image, model, voxel size and region."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from magicgui.widgets import LineEdit
from qtpy.QtWidgets import QToolButton

from ...segmentation.setup.options import SegmentOptions
from ..controls.choice import Choice
from ..controls.layer_combo import LayerCombo
from ..controls.length_edit import LengthEdit
from ..controls.options_form import OptionsForm
from ..controls.wrapped_label import WrappedLabel
from ..layers.image_layer import REGIONS
from .tune_panel import TUNED

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from ...core.volume import Volume
    from ...models.model_info import ModelInfo

STACKS = {
    "auto": "automatic", "views": "orthogonal views", "link": "linked slices",
    "slices": "slice by slice",
}  # fmt: skip
DEVICES = ("auto", "cpu", "mps") if sys.platform == "darwin" else ("auto", "cpu", "cuda")


class SegmentForm(OptionsForm[SegmentOptions]):
    """Image, model and options of a segmentation."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.image = LayerCombo(viewer, name="image", tooltip="The image layer to segment.")
        self.axes = LineEdit(
            name="axes", tooltip="One letter of TCZYX for each axis of the image, such as ZYX."
        )
        self.channel = Choice(name="channel")
        self.model = Choice(name="model", tooltip="Built-in or imported model.")
        self.object_size = LengthEdit(name="object_size", hint="estimated")
        self.spacing = LengthEdit(
            name="spacing", label="Voxel size", hint="unknown", unit="um",
            tooltip="Size of a voxel, such as 0.5,0.26,0.26um. Unknown: sizes are in px.",
        )  # fmt: skip
        self.region = Choice(REGIONS, name="region", tooltip="How much of the image to segment.")
        self.stack = Choice([(label, name) for name, label in STACKS.items()], name="stack")
        self.device = Choice(DEVICES, name="device")
        super().__init__(
            SegmentOptions,
            [self.image, self.axes, self.channel, self.model, self.object_size, self.spacing,
             self.region, self.stack, self.device],
            exclude=TUNED,
        )  # fmt: skip
        self.about, self.forecast, self.circle = WrappedLabel(), WrappedLabel(), QToolButton()
        self.circle.setText("show")
        self.circle.setCheckable(True)
        self.circle.setToolTip("Draw this size as a circle on the image.")
        self.put_beside(self.object_size, self.circle)
        self.put_below(self.model, self.about)
        self.native.layout().addWidget(self.forecast)

    def fit_model(self, info: ModelInfo) -> None:
        """Show the rows of what a model can do.

        The object size is for those that rescale to one, or return masks; masks of test-time
        augmentation cannot be averaged.
        """
        sized = info.preprocessing.diameter is not None or info.finds_masks
        self.show_row(self.object_size, visible=sized)
        tta = self.editors["tta"]
        if info.finds_masks:
            tta.value = False
        self.show_row(tta, visible=not info.finds_masks)

    def set_channels(self, choices: list[tuple[str, str | None]]) -> None:
        """List channels, and maybe all at once (None); hide the row if there is no choice."""
        self.channel.offer(choices)
        self.show_row(self.channel, visible=len(choices) > 1)

    def set_units(self, volume: Volume) -> None:
        """Read plain numbers in the unit of an image: px without calibration."""
        self.object_size.unit = volume.unit
        self.spacing.unit = volume.unit if volume.calibrated else "um"
