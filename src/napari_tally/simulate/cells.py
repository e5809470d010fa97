"""Simulated images of cells of any kind, under any microscope, with exact ground truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from pydantic import Field, model_validator

from ..core.errors import InputError
from ..core.options import Options
from . import cell_optics, cell_stains
from .camera import Camera
from .cell_clutter import CellClutter, scratched
from .cell_layout import Layout, Scattered
from .cell_material import Cells, Floats
from .object_placement import Labels, ground_truth

Appearance = Literal[
    "cytoplasm", "membranes", "nucleus and body", "absorption", "solid", "phase contrast", "DIC",
    "bright field", "quantitative phase", "dark field",
]  # fmt: skip
_STAINS: dict[str, Callable[[Cells, np.random.Generator], Floats]] = {
    "cytoplasm": cell_stains.cytoplasm,
    "membranes": cell_stains.membranes,
    "nucleus and body": cell_stains.nucleus_and_body,
    "absorption": cell_stains.absorption,
    "solid": cell_stains.solid,
}
_OPTICS: dict[str, Callable[[Cells, Floats, np.random.Generator], Floats]] = {
    "phase contrast": cell_optics.phase_contrast,
    "DIC": cell_optics.dic,
    "bright field": cell_optics.bright_field,
    "quantitative phase": cell_optics.quantitative_phase,
    "dark field": cell_optics.dark_field,
}
APPEARANCES: tuple[Appearance, ...] = get_args(Appearance)
_ABSORBING = ("absorption",)


class CellField(Options):
    """A field of cells as a microscope shows it.

    Attributes
    ----------
    shape : (int, int)
        Pixels along (Y, X).
    layout : Scattered or Epithelium
        Shapes, sizes and places of the cells; no coverage for a field without any.
    appearance : str
        Stain or optics.
    clutter : CellClutter
        Structure that is no cell.
    marks : int
        Number of scratches and specks of dust.
    camera : Camera
        Illumination, blur, noise, compression.
    min_size : int
        Cells of fewer visible px are not in the ground truth.
    seed : int
        The same seed draws the same field.

    Raises
    ------
    pydantic.ValidationError
        If an option is invalid.
    """

    shape: tuple[int, int] = (256, 256)
    layout: Layout = Scattered()
    appearance: Appearance = "cytoplasm"
    clutter: CellClutter = CellClutter()
    marks: int = Field(0, ge=0, le=100)
    camera: Camera = Camera()
    min_size: int = Field(20, ge=1)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _fitting(self) -> CellField:
        if min(self.shape) < 32:
            raise InputError(f"Shape must be 2 numbers of at least 32, not {self.shape}")
        return self

    def draw(self) -> tuple[Floats, Labels]:
        """Return (image, labels), both of `shape`.

        Returns
        -------
        image : ndarray of float32
            About 0 to 1.
        labels : ndarray of uint16 or uint32
            Consecutive ids from 1, one a cell, each one connected component. Of overlapping cells
            the upper one has the pixel.
        """
        rng = np.random.default_rng(self.seed)
        ids, layers = self.layout.draw(self.shape, rng)
        labels = ground_truth(ids)
        cells = Cells(labels.astype(np.int32), layers, self.layout.diameter, rng)
        extra = self.clutter.draw(self.shape, self.layout.diameter, rng)
        light = self._light(cells, extra, rng)
        if self.marks:
            light = scratched(light, self.marks, rng)
        return self.camera.take(light, rng), self._visible(labels)

    def _light(self, cells: Cells, extra: Floats, rng: np.random.Generator) -> Floats:
        if self.appearance in _OPTICS:
            return _OPTICS[self.appearance](cells, extra, rng)
        light = _STAINS[self.appearance](cells, rng)
        if self.appearance in _ABSORBING:
            return np.asarray(light * np.exp(-np.maximum(extra, -0.5)), np.float32)
        return light + extra

    def _visible(self, labels: Labels) -> Labels:
        """Return the cells that are large enough, with consecutive ids."""
        large = np.bincount(labels.ravel()) >= self.min_size
        return ground_truth(np.where(large[labels], labels, 0).astype(np.int32))
