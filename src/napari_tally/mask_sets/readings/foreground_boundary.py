"""Foreground and boundary maps, as U-Nets for touching objects return them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .class_maps import ClassMaps
from .reading import Found, Kind, Outputs

if TYPE_CHECKING:
    from ..frame import Frame


class ForegroundBoundary(ClassMaps):
    """Two of the channels, which become the maps background, inside and border."""

    kind: ClassVar[Kind] = "maps"
    takes: ClassVar[str] = "one array (1, channels, y, x) or (1, channels, z, y, x)"

    name: Literal["foreground-boundary"] = "foreground-boundary"  # type: ignore[assignment]
    foreground: int = Field(0, ge=0, description="Channel of the objects, from 0.")
    boundary: int = Field(1, ge=0, description="Channel of their boundaries, from 0.")
    whole: bool = Field(True, description="Whether the foreground has the boundaries in it.")

    def read(self, outputs: Outputs, frame: Frame | None = None) -> Found:
        """Return the maps; `frame` is not needed."""
        return Found(maps=self.maps(outputs))

    def maps(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return the maps background, inside and border, which sum to 1."""
        values = self.probabilities(outputs)
        if max(self.foreground, self.boundary) >= len(values):
            self.refuse(outputs, f"there are {len(values)} channels")
        foreground = np.clip(values[self.foreground], 0, 1)
        border = np.clip(values[self.boundary], 0, 1)
        if not self.whole:
            foreground = np.clip(foreground + border, 0, 1)
        border = np.minimum(foreground, border)
        return np.stack([1 - foreground, foreground - border, border])
