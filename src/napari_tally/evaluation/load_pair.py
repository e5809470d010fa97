"""Read a prediction and its ground truth, and check that they share a grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.quantity import LENGTHS, Quantity, table_unit
from ..core.volume import Volume
from ..files import read
from ..objects.relabel import whole_numbers

Source = Volume | Path

_SAME_SPACING = 0.01  # relative difference of spacings that is due to rounding in files
_MAX_SHIFT = 0.5  # voxels by which corners may differ
_MOST_CLASSES = 255


@dataclass(frozen=True)
class Pair:
    """Prediction and ground truth of an image, optionally with the classes of objects.

    Attributes
    ----------
    name : str
        Name of the image in tables.
    predicted, ground_truth : Volume or path
        Object ids, or class ids for semantic segmentation.
    predicted_classes, ground_truth_classes : Volume or path, optional
        Class ids on the same grid.
    """

    name: str
    predicted: Source
    ground_truth: Source
    predicted_classes: Source | None = None
    ground_truth_classes: Source | None = None


@dataclass(frozen=True, eq=False)
class Compared:
    """Arrays of the same shape, and the voxel size in the unit of the tables."""

    predicted: NDArray[np.integer]
    ground_truth: NDArray[np.integer]
    spacing: tuple[float, ...]
    unit: str
    predicted_classes: NDArray[np.integer] | None = None
    ground_truth_classes: NDArray[np.integer] | None = None
    notes: tuple[str, ...] = ()


def read_pair(pair: Pair, *, classes: bool = False, spacing: Quantity | None = None) -> Compared:
    """Read prediction and ground truth.

    Parameters
    ----------
    pair : Pair
    classes : bool
        Whether the values are class ids. A mask is then one class instead of several objects.
    spacing : Quantity, optional
        Voxel size; overrides the files.

    Raises
    ------
    TallyError
        If one cannot be read or has no labels, or they do not share a grid.
    """
    sources = [pair.predicted, pair.ground_truth]
    if pair.predicted_classes is not None and pair.ground_truth_classes is not None:
        sources += [pair.predicted_classes, pair.ground_truth_classes]
    read_all = (read(s, labels=True) if isinstance(s, Path) else s for s in sources)
    volumes = [_spatial(volume, spacing) for volume in read_all]
    for other in volumes[2:] + volumes[:1]:
        _check_grid(volumes[1], other)
    notes = tuple(
        f"{v.name} is a mask; its connected components are scored as objects"
        for v in volumes[:2]
        if v.array.dtype == bool and not classes
    )
    arrays = [_labels(v, classes or i > 1) for i, v in enumerate(volumes)]
    calibrated = next(
        (v for v in (volumes[1], volumes[0], *volumes[2:]) if v.calibrated), volumes[1]
    )
    unit = table_unit(calibrated.unit)
    beside = (arrays[2], arrays[3]) if len(arrays) == 4 else (None, None)
    return Compared(
        arrays[0], arrays[1], calibrated.spacing_in(unit), unit, beside[0], beside[1], notes
    )


def _spatial(volume: Volume, spacing: Quantity | None) -> Volume:
    """Return the volume without T, C and Z axes of length 1."""
    for axis in "TCZ":
        if axis in volume.axes and volume.shape[volume.axes.index(axis)] == 1:
            volume = volume.at(axis, 0)
    if volume.axes not in ("YX", "ZYX"):
        raise InputError(
            f"Labels must have axes YX or ZYX, but {volume.name} has {volume.axes}"
            f" of shape {volume.shape}",
            hint="Evaluate the frames one by one" if "T" in volume.axes else "",
        )
    return volume if spacing is None else volume.with_spacing(spacing)


def _check_grid(ground_truth: Volume, other: Volume) -> None:
    if other.shape != ground_truth.shape:
        raise InputError(
            f"{other.name} has shape {other.shape}, but the ground truth {ground_truth.name}"
            f" has {ground_truth.shape}"
        )
    if not (ground_truth.calibrated and other.calibrated):
        return
    wanted, got = ground_truth.spacing_in("um"), other.spacing_in("um")
    if not np.allclose(wanted, got, rtol=_SAME_SPACING):
        raise InputError(
            f"{other.name} has a spacing of {other.describe_spacing()}, but the ground truth"
            f" {ground_truth.name} has {ground_truth.describe_spacing()}",
            hint="Set the right one with --spacing, or resample both to one grid",
        )
    shift = _corner_shift(ground_truth, other)
    if shift > _MAX_SHIFT:
        raise InputError(
            f"{other.name} and the ground truth {ground_truth.name} differ in position"
            f" by up to {shift:.3g} voxels",
            hint="Resample both to one grid and orientation first",
        )


def _corner_shift(ground_truth: Volume, other: Volume) -> float:
    """Return the largest distance between corners in voxels; 0 if one has no affine."""
    if ground_truth.affine is None or other.affine is None:
        return 0.0
    ends = np.array(ground_truth.shape) - 1
    corners = np.stack(np.meshgrid(*[(0, end) for end in ends], indexing="ij"), -1)
    corners = np.c_[corners.reshape(-1, len(ends)), np.ones(2 ** len(ends))]
    scale = LENGTHS[other.unit] / LENGTHS[ground_truth.unit]
    places = corners @ ground_truth.affine.T - corners @ other.affine.T * scale
    return float(
        np.linalg.norm(places[:, :-1], axis=1).max()
        / max(ground_truth.spacing_in(ground_truth.unit))
    )


def _labels(volume: Volume, classes: bool) -> NDArray[np.integer[Any]]:
    """Return the ids. Errors name the file."""
    array = np.asarray(volume.array)
    if classes and array.dtype == bool:
        array = array.astype(np.uint8)
    try:
        labels = whole_numbers(array)
    except InputError as error:
        raise InputError(f"{volume.name}: {error.problem}", hint=error.hint) from error
    if classes and labels.max(initial=0) > _MOST_CLASSES:
        raise InputError(
            f"Class ids go up to {_MOST_CLASSES}, but {volume.name} has {labels.max()}",
            hint="If these are object ids, evaluate them as instances",
        )
    return labels
