"""A prediction and its truth: read, checked, and brought to plain arrays on one grid."""

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
_SAME_PLACE = 0.5  # voxels that two images may lie apart
_MOST_CLASSES = 255


@dataclass(frozen=True)
class Pair:
    """Where prediction and truth of an image are; the classes of their objects, if they have any.

    Attributes
    ----------
    name : str
        What the image is called in tables.
    predicted, truth : Volume or path
        Ids of objects, or of classes where only these are compared.
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
    """Read what is to be compared.

    Parameters
    ----------
    pair : Pair
    classes : bool
        Whether prediction and truth are class ids: a mask is then one class, and not objects.
    spacing : Quantity, optional
        Size of a voxel, where the files do not say it or are wrong.

    Raises
    ------
    TallyError
        If one cannot be read, holds no labels, or they do not lie on one grid.
    """
    sources = [pair.predicted, pair.truth]
    if pair.predicted_classes is not None and pair.truth_classes is not None:
        sources += [pair.predicted_classes, pair.truth_classes]
    volumes = [_spatial(read(s) if isinstance(s, Path) else s, spacing) for s in sources]
    for other in volumes[2:] + volumes[:1]:
        _check_grid(volumes[1], other)
    notes = tuple(
        f"{v.name} is a mask: its connected parts are the objects"
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
            f"Labels of the axes YX or ZYX are needed in {volume.name}",
            f"{volume.axes} of shape {volume.shape}",
            "Compare frames one by one" if "T" in volume.axes else "",
        )
    return volume if spacing is None else volume.with_spacing(spacing)


def _check_grid(truth: Volume, other: Volume) -> None:
    if other.shape != truth.shape:
        raise InputError(
            f"Prediction and truth of one shape are needed ({truth.name}: {truth.shape})",
            f"{other.name} of shape {other.shape}",
        )
    if not (truth.calibrated and other.calibrated):
        return
    wanted, got = truth.spacing_in("um"), other.spacing_in("um")
    if not np.allclose(wanted, got, rtol=_SAME_SPACING):
        raise InputError(
            f"Prediction and truth of one spacing are needed"
            f" ({truth.name}: {truth.describe_spacing()})",
            f"{other.name} with {other.describe_spacing()}",
            "Tell the right one with a spacing, or bring both to one grid",
        )
    apart = _apart(truth, other)
    if apart > _SAME_PLACE:
        raise InputError(
            f"Prediction and truth in the same place are needed ({truth.name})",
            f"{other.name}, of which a corner lies {apart:.3g} voxels away",
            "Bring both to one grid and orientation first",
        )


def _apart(truth: Volume, other: Volume) -> float:
    """Return by how many voxels the corners lie apart; 0 where one has no place in the world."""
    if truth.affine is None or other.affine is None:
        return 0.0
    ends = np.array(truth.shape) - 1
    corners = np.stack(np.meshgrid(*[(0, end) for end in ends], indexing="ij"), -1)
    corners = np.c_[corners.reshape(-1, len(ends)), np.ones(2 ** len(ends))]
    scale = LENGTHS[other.unit] / LENGTHS[truth.unit]
    places = corners @ truth.affine.T - corners @ other.affine.T * scale
    return float(np.linalg.norm(places[:, :-1], axis=1).max() / max(truth.spacing_in(truth.unit)))


def _labels(volume: Volume, classes: bool) -> NDArray[np.integer[Any]]:
    """Return the ids, or say of which file they are none."""
    array = np.asarray(volume.array)
    if classes and array.dtype == bool:
        array = array.astype(np.uint8)
    try:
        labels = whole_numbers(array)
    except InputError as error:
        raise InputError(f"{volume.name}: {error.problem}", hint=error.hint) from error
    if classes and labels.max(initial=0) > _MOST_CLASSES:
        raise InputError(
            f"Class ids up to {_MOST_CLASSES} are needed in {volume.name}",
            f"{labels.max()}",
            "Ids of objects are compared as instances",
        )
    return labels
