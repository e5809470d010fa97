"""Read a prediction and its ground truth, and check that they are on one grid."""

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

_SAME_SPACING = 0.01  # up to which two spacings are one that was written with few digits
_SAME_PLACE = 0.5  # voxels by which positions may differ
_MOST_CLASSES = 255


@dataclass(frozen=True)
class Pair:
    """Prediction and ground truth of an image, with classes of objects if they have any.

    Attributes
    ----------
    name : str
        Name of the image in tables.
    predicted, truth : Volume or path
        Ids of objects, or of classes for semantic segmentation.
    predicted_classes, truth_classes : Volume or path, optional
        Class ids on the same grid.
    """

    name: str
    predicted: Source
    truth: Source
    predicted_classes: Source | None = None
    truth_classes: Source | None = None


@dataclass(frozen=True, eq=False)
class Compared:
    """Arrays of one shape, and the size of a voxel in the unit of tables."""

    predicted: NDArray[np.integer]
    truth: NDArray[np.integer]
    spacing: tuple[float, ...]
    unit: str
    predicted_classes: NDArray[np.integer] | None = None
    truth_classes: NDArray[np.integer] | None = None
    notes: tuple[str, ...] = ()


def read_pair(pair: Pair, *, classes: bool = False, spacing: Quantity | None = None) -> Compared:
    """Read prediction and ground truth.

    Parameters
    ----------
    pair : Pair
    classes : bool
        Whether they hold class ids: a mask is then one class, and not objects.
    spacing : Quantity, optional
        Size of a voxel, overriding the files.

    Raises
    ------
    TallyError
        If one cannot be read or has no labels, or they are not on one grid.
    """
    sources = [pair.predicted, pair.truth]
    if pair.predicted_classes is not None and pair.truth_classes is not None:
        sources += [pair.predicted_classes, pair.truth_classes]
    volumes = [_spatial(read(s) if isinstance(s, Path) else s, spacing) for s in sources]
    for other in volumes[2:] + volumes[:1]:
        _check_grid(volumes[1], other)
    notes = tuple(
        f"{v.name} is a mask: its connected components are the objects"
        for v in volumes[:2]
        if v.array.dtype == bool and not classes
    )
    arrays = [_labels(v, classes or i > 1) for i, v in enumerate(volumes)]
    known = next((v for v in (volumes[1], volumes[0], *volumes[2:]) if v.calibrated), volumes[1])
    unit = table_unit(known.unit)
    beside = (arrays[2], arrays[3]) if len(arrays) == 4 else (None, None)
    return Compared(arrays[0], arrays[1], known.spacing_in(unit), unit, beside[0], beside[1], notes)


def _spatial(volume: Volume, spacing: Quantity | None) -> Volume:
    """Return the volume without axes of length 1 beside Y and X."""
    for axis in "TCZ":
        if axis in volume.axes and volume.shape[volume.axes.index(axis)] == 1:
            volume = volume.at(axis, 0)
    if volume.axes not in ("YX", "ZYX"):
        raise InputError(
            f"Labels must have axes YX or ZYX, but {volume.name} has {volume.axes}"
            f" of shape {volume.shape}",
            hint="Compare frames one by one" if "T" in volume.axes else "",
        )
    return volume if spacing is None else volume.with_spacing(spacing)


def _check_grid(truth: Volume, other: Volume) -> None:
    if other.shape != truth.shape:
        raise InputError(
            f"{other.name} has shape {other.shape}, but the ground truth {truth.name}"
            f" has {truth.shape}"
        )
    if not (truth.calibrated and other.calibrated):
        return
    wanted, got = truth.spacing_in("um"), other.spacing_in("um")
    if not np.allclose(wanted, got, rtol=_SAME_SPACING):
        raise InputError(
            f"{other.name} has a spacing of {other.describe_spacing()}, but the ground truth"
            f" {truth.name} has {truth.describe_spacing()}",
            hint="Set the right one with --spacing, or resample both to one grid",
        )
    apart = _apart(truth, other)
    if apart > _SAME_PLACE:
        raise InputError(
            f"{other.name} and the ground truth {truth.name} differ in position:"
            f" a corner is {apart:.3g} voxels away",
            hint="Resample both to one grid and orientation first",
        )


def _apart(truth: Volume, other: Volume) -> float:
    """Return by how many voxels the corners differ; 0 if one has no affine."""
    if truth.affine is None or other.affine is None:
        return 0.0
    ends = np.array(truth.shape) - 1
    corners = np.stack(np.meshgrid(*[(0, end) for end in ends], indexing="ij"), -1)
    corners = np.c_[corners.reshape(-1, len(ends)), np.ones(2 ** len(ends))]
    scale = LENGTHS[other.unit] / LENGTHS[truth.unit]
    places = corners @ truth.affine.T - corners @ other.affine.T * scale
    return float(np.linalg.norm(places[:, :-1], axis=1).max() / max(truth.spacing_in(truth.unit)))


def _labels(volume: Volume, classes: bool) -> NDArray[np.integer[Any]]:
    """Return the ids; errors name the file."""
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
            hint="Compare ids of objects as instances",
        )
    return labels
