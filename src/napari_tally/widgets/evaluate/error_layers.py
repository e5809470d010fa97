"""Label layers that colour objects by their match outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.colormaps import DirectLabelColormap

from ...evaluation.error_pictures import COLOURS
from ...metrics.error_types import CODES
from ..layers.label_layer import label_axes
from ..layers.placement import geometry_like

if TYPE_CHECKING:
    import numpy as np
    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import NDArray


class OutcomeLayers:
    """Up to two layers, over the prediction and over the ground truth."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.layers: list[Labels] = []
        self.hidden: list[Labels] = []

    @property
    def legend(self) -> str:
        """What the colours mean, as rich text."""
        words = ("matched", "missed", "false", "merged", "split")
        squares = zip(COLOURS.values(), words, strict=True)
        return " ".join(f'<span style="color:{c}">&#9632;</span>&nbsp;{w}' for c, w in squares)

    def show_outcomes(
        self,
        over: dict[str, Labels],
        outcomes: dict[str, NDArray[np.uint8]],
        ground_truth: Labels,
    ) -> None:
        """Show match outcomes on the grid of the ground truth, over layers that are hidden."""
        self.remove()
        clear: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
        colors = clear | dict(zip(sorted(set(CODES.values())), COLOURS.values(), strict=True))
        add: Any = self.viewer.add_labels
        for side, layer in over.items():
            look = geometry_like(ground_truth, label_axes(ground_truth))
            new = add(outcomes[side], name=f"{layer.name}: match outcomes", **look)
            new.colormap = DirectLabelColormap(color_dict=colors)
            new.contour = 2 if side == "true" else 0
            new.editable = False
            self.layers.append(new)
            if layer.visible:
                layer.visible = False
                self.hidden.append(layer)

    def remove(self) -> None:
        """Remove the layers and show the hidden ones again."""
        for layer in self.layers:
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)
        for layer in self.hidden:
            layer.visible = True
        self.layers, self.hidden = [], []
