"""Class maps: FCN, DeepLab, SegFormer, any U-Net, in 2D and 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .reading import Array, Found, Kind, Outputs, Reading, sigmoid, softmax

if TYPE_CHECKING:
    from ..frame import Frame


class ClassMaps(Reading):
    """One channel per class; a head decodes the maps, as those of our own networks.

    With "sigmoid" classes may overlap. The background is then where none is probable, and the most
    probable class above 0.5 wins where the maps are decoded to one class a pixel. With "softmax"
    and no channel for it there is no background.
    """

    kind: ClassVar[Kind] = "maps"
    takes: ClassVar[str] = "one array (1, classes, y, x) or (1, classes, z, y, x)"

    name: Literal["class-maps"] = "class-maps"
    activation: Literal["softmax", "sigmoid", "none", "index"] = Field(
        "softmax",
        description="How the channels become probabilities: none if they are, index if the array "
        "holds the numbers of classes.",
    )
    background: Literal["first", "none"] = Field(
        "first", description="Whether the first channel is the background."
    )
    channels_last: bool = Field(False, description="Whether the channels are the last axis.")

    def read(self, outputs: Outputs, frame: Frame | None = None) -> Found:
        """Return probabilities, the background first; `frame` is not needed."""
        return Found(maps=self.maps(outputs))

    def maps(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return probabilities, the background first."""
        values = self.probabilities(outputs)
        if self.activation == "index" or (self.background == "first" and len(values) > 1):
            return values
        if self.activation == "softmax" and len(values) > 1:  # the classes share all of the image
            return np.concatenate([np.zeros_like(values[:1]), values])
        rest = np.clip(1 - values.max(axis=0, keepdims=True), 0, 1)
        return np.concatenate([rest, values])

    def probabilities(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return the channels as they are, as probabilities; numbers of classes as maps of each."""
        arrays = list(self.chosen(outputs).values())
        if len(arrays) != 1:
            self.refuse(outputs, "name the one that counts in `outputs`")
        values = self._spatial(arrays[0], outputs)
        if self.activation == "index":
            return self._one_hot(values)
        values = np.nan_to_num(np.asarray(values, np.float32), posinf=1e4, neginf=-1e4)
        if self.activation == "softmax" and len(values) > 1:
            values = softmax(values, axis=0)
        elif self.activation in ("sigmoid", "softmax"):  # one channel has nothing to compete with
            values = sigmoid(values)
        return values

    def _spatial(self, array: Array, outputs: Outputs) -> Array:
        """Return (C, *spatial), or (*spatial) of class numbers."""
        if self.channels_last:
            array = np.moveaxis(array, -1, 1 if array.ndim > 3 else 0)
        if self.activation == "index":
            while array.ndim > 2 and array.shape[0] == 1:
                array = array[0]
            return array
        if array.ndim in (4, 5) and array.shape[0] == 1:
            array = array[0]
        elif array.ndim not in (3, 4):
            self.refuse(outputs)
        return array

    def _one_hot(self, numbers: Array) -> NDArray[np.float32]:
        """Return maps of 0 and 1; unknown numbers are background."""
        whole = np.nan_to_num(numbers).round().astype(np.int64)
        first = int(self.background == "none")
        count = max(len(self.classes), int(whole.max(initial=0)) + first) + 1
        ids = whole + first
        maps = np.zeros((count, *whole.shape), np.float32)
        np.put_along_axis(maps, np.where((ids >= 0) & (ids < count), ids, 0)[None], 1, axis=0)
        return maps
