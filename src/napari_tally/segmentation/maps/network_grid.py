"""The grid of a network's input: reorient and resample images for a model, and labels back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isclose
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.quantity import LENGTHS
from ...geometry.orientation import Turn, turn_to
from ...geometry.resample import (
    resample_image,
    resample_labels,
    resampled_part,
    resampled_slabs,
    scaled_shape,
)

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.model_info import ModelInfo

Prepare = Callable[[NDArray[np.generic]], NDArray[np.float32]]
DecodeVoxels = Callable[[NDArray[np.floating]], NDArray[np.integer]]

_ALIKE = 0.03  # relative difference of voxel sizes below which resampling would only blur
_MOST = 50  # maximum resampling factor; beyond, the calibration must be wrong
_DIRECTIONS = {
    "R": "right", "L": "left", "A": "anterior", "P": "posterior", "S": "superior", "I": "inferior",
}  # fmt: skip
_MUCH_MORE = 1.5  # extent relative to the largest training image that gives a warning
_COARSE = 3  # voxel size relative to the model's that gives a warning


@dataclass(frozen=True)
class NetworkGrid:
    """How planes (or stacks) of an image are converted to network input.

    Attributes
    ----------
    shape : tuple of int
        Shape of a plane of the image.
    turn : Turn, optional
        How its axes are reoriented first.
    scale : tuple of float
        Resampling factor of each axis, after reorientation.
    smooth : bool
        Whether images are anti-aliased where they are downsampled.
    """

    shape: tuple[int, ...]
    turn: Turn | None = None
    scale: tuple[float, ...] = ()
    smooth: bool = True

    @property
    def reoriented_shape(self) -> tuple[int, ...]:
        """Shape of a reoriented plane."""
        return self.shape if self.turn is None else self.turn.permuted(self.shape)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the network input."""
        pairs = zip(self.reoriented_shape, self.scale or (1.0,) * len(self.shape), strict=True)
        return tuple(scaled_shape((n,), s)[0] for n, s in pairs)

    @property
    def density(self) -> float:
        """Number of voxels of the network input per voxel of the image."""
        return float(np.prod(self.input_shape) / np.prod(self.shape))

    def scaled(self, scale: float) -> NetworkGrid:
        """Return the grid with every axis scaled by a further factor."""
        before = self.scale or (1.0,) * len(self.shape)
        return replace(self, scale=tuple(s * scale for s in before))

    def network_input(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network input for a plane, shape (C, *spatial)."""
        reoriented = image if self.turn is None else self.turn(image)
        if not self.smooth and self.resamples:
            whole = tuple(slice(0, n) for n in self.input_shape)
            return resampled_part(reoriented, self.input_shape, whole, _as_float32, antialias=False)
        return np.ascontiguousarray(resample_image(reoriented, self.input_shape))

    @property
    def resamples(self) -> bool:
        """Whether the network input has another grid than the image."""
        return self.input_shape != self.reoriented_shape

    def input_part(
        self, image: NDArray[np.generic], part: tuple[slice, ...], prepare: Prepare
    ) -> NDArray[np.float32]:
        """Return a part of the network input for a plane, shape (C, *spatial)."""
        reoriented = image if self.turn is None else self.turn(image)
        return resampled_part(reoriented, self.input_shape, part, prepare, antialias=self.smooth)

    def labels_back(self, labels: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return labels on the network's grid on the grid of the image."""
        if labels.shape != self.reoriented_shape:
            labels = resample_labels(labels, self.reoriented_shape)
        return self._restored(labels)

    def classes_back(self, maps: NDArray[np.floating], decode: DecodeVoxels) -> NDArray[np.integer]:
        """Decode maps, shape (C, *spatial), voxel by voxel.

        The maps, not the classes, are resampled to the grid of the image, a slab at a time: edges
        are smoother and thin structures are kept.
        """
        if maps.shape[1:] == self.reoriented_shape:
            return self._restored(decode(maps))
        classes = np.empty(self.reoriented_shape, np.uint16)
        for place, slab in resampled_slabs(maps, self.reoriented_shape):
            classes[place] = decode(slab)
        return self._restored(classes)

    def _restored(self, array: NDArray[Any]) -> NDArray[Any]:
        return array if self.turn is None else self.turn.back(array)


def network_grid(
    volume: Volume, shape: tuple[int, ...], info: ModelInfo
) -> tuple[NetworkGrid, list[str]]:
    """Return the network grid of a model for planes of `shape`, and notes for the user.

    Raises
    ------
    InputError
        If the voxel size differs so much from the model's that the calibration must be wrong.
    """
    inputs, notes = info.preprocessing, list[str]()
    grid = NetworkGrid(shape, smooth=not inputs.resample_first)
    if inputs.orientation is not None:
        turn, note = _turn(volume, inputs.orientation)
        grid, notes = replace(grid, turn=turn), [note]
    if inputs.size is not None:
        pairs = zip(inputs.size, grid.reoriented_shape, strict=True)
        grid = replace(grid, scale=tuple(new / old for new, old in pairs))
    if inputs.spacing is not None:
        scale, found = _scale(volume, grid, info, inputs.spacing)
        grid = replace(grid, scale=scale)
        notes += [*found, _too_large(volume, grid, info, inputs.spacing)]
    return grid, [note for note in notes if note]


def _as_float32(image: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(image, np.float32)


def _turn(volume: Volume, codes: str) -> tuple[Turn | None, str]:
    if volume.affine is not None:
        turn = turn_to(volume.affine, codes)
        return (None if turn == Turn() else turn), ""
    axes = ", ".join(f"{axis} to {_DIRECTIONS[c]}" for axis, c in zip("xyz", codes, strict=True))
    return None, f"{volume.name} has no orientation: {codes} is assumed ({axes})"


def _scale(
    volume: Volume, grid: NetworkGrid, info: ModelInfo, wanted: tuple[float, ...]
) -> tuple[tuple[float, ...], list[str]]:
    """Return the scale of each axis for the network, and notes for the user."""
    voxel, unit = info.preprocessing.voxel, info.preprocessing.spacing_unit
    if volume.spacing is None:
        assumed = f"{volume.name} has no calibration: voxels of {voxel} are assumed"
        return (1.0,) * len(wanted), [f"{assumed}, those of the training data of {info.name}"]
    factor = LENGTHS[volume.unit] / LENGTHS[unit]
    have = tuple(s * factor for s in volume.spacing[-len(wanted) :])
    have = have if grid.turn is None else grid.turn.permuted(have)
    scale = tuple(_snapped(h / w) for h, w in zip(have, wanted, strict=True))
    if any(not 1 / _MOST <= s <= _MOST for s in scale):
        raise InputError(
            f"{volume.name} has voxels of {volume.describe_spacing()}, more than {_MOST} times "
            f"larger or smaller than those of {info.name} ({voxel})",
            hint="Correct the spacing",
        )
    if all(s == 1 for s in scale):
        return scale, []
    notes = [f"{volume.name} ({volume.describe_spacing()}) is resampled to {voxel} for the network"]
    if max(scale) > _COARSE:
        notes.append(
            f"The voxels of {volume.name} are up to {max(scale):.3g} times as long as those of the "
            f"training data of {info.name}: structures may be missed or wrong"
        )
    return scale, notes


def _too_large(
    volume: Volume, grid: NetworkGrid, info: ModelInfo, spacing: tuple[float, ...]
) -> str:
    """Return a warning if an image is much larger than the training images, else ""."""
    extent, unit = info.preprocessing.extent, info.preprocessing.spacing_unit
    if extent is None:
        return ""
    sizes = [n * s for n, s in zip(grid.input_shape, spacing, strict=True)]
    if all(size <= _MUCH_MORE * most for size, most in zip(sizes, extent, strict=True)):
        return ""
    here, known = (" x ".join(f"{n:.0f}" for n in lengths) for lengths in (sizes, extent))
    return (
        f"{volume.name} shows {here} {unit}, but {info.name} was trained on images cropped to at "
        f"most {known} {unit}: crop the image to the structure, or expect false positives"
    )


def _snapped(scale: float) -> float:
    return 1.0 if isclose(scale, 1, abs_tol=_ALIKE) else scale
