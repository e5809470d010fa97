"""Read a prediction and its ground truth, and bring them to one grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.quantity import Quantity, parse_quantity, table_unit
from ..core.volume import Volume
from ..files import read
from ..geometry.place import on_grid_of
from ..objects.binary_mask import mask_note, pieces_of_mask, separated
from ..objects.relabel import whole_numbers

if TYPE_CHECKING:
    from .options import EvaluateOptions

Source = Volume | Path

_MOST_CLASSES = 255
_TRUE = "the ground truth "


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
    """Arrays of the same shape, and the voxel size in the unit of the tables.

    `grid` is the ground truth as it was read, whose place is that of the arrays.
    """

    predicted: NDArray[np.integer]
    ground_truth: NDArray[np.integer]
    spacing: tuple[float, ...]
    unit: str
    grid: Volume
    predicted_classes: NDArray[np.integer] | None = None
    ground_truth_classes: NDArray[np.integer] | None = None
    notes: tuple[str, ...] = ()


def read_pair(pair: Pair, options: EvaluateOptions) -> Compared:
    """Read prediction and ground truth.

    If the values are class ids, a mask is one class instead of several objects.

    Raises
    ------
    TallyError
        If one cannot be read or has no labels, or they lie elsewhere (see `on_grid_of`).
    """
    sources = [pair.predicted, pair.ground_truth]
    if pair.predicted_classes is not None and pair.ground_truth_classes is not None:
        sources += [pair.predicted_classes, pair.ground_truth_classes]
    spacing = None if options.spacing is None else parse_quantity(options.spacing)
    read_all = (read(s, labels=True) if isinstance(s, Path) else s for s in sources)
    volumes = [_spatial(volume, spacing) for volume in read_all]
    notes = []
    for i in (*range(2, len(volumes)), 0):
        same = volumes[i].axes == volumes[1].axes  # else a single slice has no Z axis in one
        other, true = (volumes[k] if same else volumes[k].squeezed("Z") for k in (i, 1))
        volumes[i], note = on_grid_of(
            other, true, resample=options.resample, labels=True, what=_TRUE
        )
        notes.append(note)
    grid, volumes = volumes[1], [volume.squeezed("Z") for volume in volumes]
    classes = options.kind == "classes"
    notes += [
        f"{v.name} is a mask; its connected components are scored as objects"
        for v in volumes[:2]
        if v.array.dtype == bool and not classes
    ]
    volumes = [_with_ids(v, classes or i > 1) for i, v in enumerate(volumes)]
    if options.kind == "instances":
        volumes, more = _objects(volumes, options)
        notes += more
    arrays = [np.asarray(v.array) for v in volumes]
    calibrated = next(
        (v for v in (volumes[1], volumes[0], *volumes[2:]) if v.calibrated), volumes[1]
    )
    unit = table_unit(calibrated.unit, calibrated.spacing)
    beside = (arrays[2], arrays[3]) if len(arrays) == 4 else (None, None)
    return Compared(
        arrays[0],
        arrays[1],
        calibrated.spacing_in(unit),
        unit,
        grid,
        beside[0],
        beside[1],
        tuple(filter(None, notes)),
    )


def _objects(volumes: list[Volume], options: EvaluateOptions) -> tuple[list[Volume], list[str]]:
    """Return labels with binary masks split into objects, if requested; else notes on them."""
    if options.separate:
        return [separated(v) if pieces_of_mask(v) else v for v in volumes], []
    notes = filter(None, (mask_note(v, "scored") for v in volumes[:2]))
    return volumes, [f"{note}; --separate makes an object of each" for note in notes]


def _spatial(volume: Volume, spacing: Quantity | None) -> Volume:
    """Return the volume without T and C axes of length 1."""
    volume = volume.squeezed("TC")
    if volume.axes not in ("YX", "ZYX"):
        raise InputError(
            f"Labels must have axes YX or ZYX, but {volume.name} has {volume.axes}"
            f" of shape {volume.shape}",
            hint="Evaluate the frames one by one" if "T" in volume.axes else "",
        )
    return volume if spacing is None else volume.with_spacing(spacing)


def _with_ids(volume: Volume, classes: bool) -> Volume:
    """Return the volume with ids as integers. Errors name the file."""
    array = np.asarray(volume.array)
    if classes and array.dtype == bool:
        array = array.astype(np.uint8)
    try:
        labels = whole_numbers(array, volume.name)
    except InputError as error:
        raise InputError(f"{volume.name}: {error.problem}", hint=error.hint) from error
    if classes and labels.max(initial=0) > _MOST_CLASSES:
        raise InputError(
            f"Class ids go up to {_MOST_CLASSES}, but {volume.name} has {labels.max()}",
            hint="If these are object ids, evaluate them as instances",
        )
    return replace(volume, array=labels)
