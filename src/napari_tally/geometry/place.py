"""Whether two images show the same place: the one decision wherever two of them meet.

On the same grid, an image stays as it is. Where the same voxels are stored in another order or
direction of axes, they are permuted and flipped. Else the image is resampled if that is wanted, and
refused if not. Files without an affine (TIFF) can only be compared by shape and spacing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import InputError
from ..core.quantity import Quantity
from .orientation import orientation
from .resample_to_grid import matrix_in, resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.volume import Volume

    Matrix = NDArray[np.float64]

_SAME_PLACE = 0.05  # voxels between corners that are due to rounded numbers in headers
_FLOAT32 = 2.0**-21  # relative error of positions that were computed in float32
_SAME_SPACING = 1e-3  # relative difference that is due to rounded numbers
_NEAR_SPACING = 1e-2  # relative difference that is noted and not refused
_SAME_ANGLE = 0.1  # degrees
_SINGULAR = 1e-6  # determinant of unit vectors that are no axes
_HINT = "Use images that belong together, or bring them to one grid with --resample"


def on_grid_of(
    volume: Volume,
    grid: Volume,
    *,
    resample: bool = False,
    labels: bool | None = None,
    what: str = "",
) -> tuple[Volume, str]:
    """Return a volume on the spatial grid of another one, and a note on what was done, or "".

    Other axes (time, channels) are kept.

    Parameters
    ----------
    resample : bool
        Resample what lies on another grid: labels by the nearest neighbour, images linearly.
        Outside of the volume labels are 0 and images NaN.
    labels : bool, optional
        Whether the volume holds ids. Default: its `is_labels`.
    what : str
        What the grid is, for messages: "the ground truth ".

    Raises
    ------
    InputError
        If they are not on the same grid, with the distance between them and what else differs.
    """
    if volume.spatial_axes != grid.spatial_axes:
        raise _of_another_shape(volume, grid, what)
    if not (_is_placed(volume, grid) and _is_placed(grid, volume)):
        note = _compared(volume, grid, what, resample=resample)
        same = Quantity(grid.spacing or (), grid.unit)
        return (volume.with_spacing(same) if note else volume), note
    if _lies_on(volume, grid):
        return volume, ""
    turned = _turned(volume, grid)
    if turned is not None and _lies_on(turned, grid):
        return turned, _orientation_note(volume, grid, what)
    if not resample:
        raise _elsewhere(volume, turned or volume, grid, what)
    ids = volume.is_labels if labels is None else labels
    moved, share = resampled(volume, grid, ids)
    if not share:
        raise _elsewhere(volume, turned or volume, grid, what)
    way = "the nearest neighbour" if ids else "linear interpolation"
    outside = "" if share == 1 else f"; {1 - share:.1%} of that grid is outside of it"
    return moved, f"{volume.name} is resampled to the grid of {what}{grid.name} by {way}{outside}"


def _is_placed(volume: Volume, other: Volume) -> bool:
    """Return whether the place of a volume can be compared with that of another one."""
    if volume.affine is None or not (volume.calibrated or volume.unit == other.unit):
        return False
    return bool(abs(np.linalg.det(_directions(volume))) > _SINGULAR)  # false for NaN too


def _compared(volume: Volume, grid: Volume, what: str, *, resample: bool) -> str:
    """Compare shape and spacing, where nothing else is known; return a note."""
    if volume.spatial_shape != grid.spatial_shape:
        raise _of_another_shape(volume, grid, what)
    if not (volume.calibrated and grid.calibrated):
        return ""
    ratio = np.divide(volume.spacing_in("um"), grid.spacing_in("um"))
    difference = float(np.abs(ratio - 1).max())
    if difference <= _SAME_SPACING:
        return ""
    both = (
        f"{volume.name} has a spacing of {volume.describe_spacing()}, but {what}{grid.name}"
        f" has {grid.describe_spacing()}"
    )
    if difference > _NEAR_SPACING and not resample:
        raise InputError(
            both, hint="Set the right one with --spacing, or use that of the latter with --resample"
        )
    return f"{both}; the latter is used"


def _of_another_shape(volume: Volume, grid: Volume, what: str) -> InputError:
    return InputError(
        f"{volume.name} has shape {volume.spatial_shape}, but {what}{grid.name}"
        f" has {grid.spatial_shape}",
        hint="Use images that belong together",
    )


def _corners(volume: Volume, unit: str) -> Matrix:
    """Return the places of the corner voxels, shape (2**n, n)."""
    ends = [(0, n - 1) for n in volume.spatial_shape]
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), -1).reshape(-1, len(ends))
    matrix = matrix_in(volume, unit)
    places: Matrix = corners @ matrix[:-1, :-1].T + matrix[:-1, -1]
    return places


def _distance(volume: Volume, grid: Volume) -> float:
    """Return the largest distance between their corners, in the unit of the grid."""
    apart = _corners(volume, grid.unit) - _corners(grid, grid.unit)
    return float(np.linalg.norm(apart, axis=1).max())


def _lies_on(volume: Volume, grid: Volume) -> bool:
    if volume.spatial_shape != grid.spatial_shape:
        return False
    voxel = float(np.linalg.norm(matrix_in(grid, grid.unit)[:-1, :-1], axis=0).min())
    rounding = _FLOAT32 * float(np.abs(_corners(grid, grid.unit)).max(initial=0))
    return _distance(volume, grid) <= _SAME_PLACE * voxel + rounding


def _directions(volume: Volume) -> Matrix:
    """Return the unit vectors of the axes, as columns."""
    linear = np.array(volume.affine, np.float64)[:-1, :-1]
    unit: Matrix = linear / np.linalg.norm(linear, axis=0)
    return unit


def _turned(volume: Volume, grid: Volume) -> Volume | None:
    """Return the volume with its axes in the order and directions nearest to those of the grid.

    None if two of its axes have the same nearest one.
    """
    along = np.linalg.solve(_directions(grid), _directions(volume))
    order = [int(i) for i in np.abs(along).argmax(1)]
    if len(set(order)) < len(order):
        return None
    spots = [volume.axes.index(axis) for axis in volume.spatial_axes]
    places = list(range(len(volume.axes)))
    flips = [slice(None)] * len(places)
    indices = np.zeros((len(order) + 1,) * 2)  # from indices of the turned array to those before
    indices[-1, -1] = 1
    for new, old in enumerate(order):
        places[spots[new]] = spots[old]
        mirrored = along[new, old] < 0
        flips[spots[new]] = slice(None, None, -1 if mirrored else None)
        indices[old, [new, -1]] = (-1, volume.spatial_shape[old] - 1) if mirrored else (1, 0)
    array = volume.array if hasattr(volume.array, "transpose") else np.asarray(volume.array)
    spacing = None if volume.spacing is None else tuple(volume.spacing[i] for i in order)
    return replace(
        volume,
        array=array.transpose(places)[tuple(flips)],
        spacing=spacing,
        affine=np.asarray(volume.affine, np.float64) @ indices,
    )


def _orientation_note(volume: Volume, grid: Volume, what: str) -> str:
    codes = orientation(volume), orientation(grid)
    letters = f" ({codes[0]}, not {codes[1]})" if all(codes) and grid.unit == "mm" else ""
    return (
        f"{volume.name} is stored in another orientation than {what}{grid.name}{letters};"
        " it is reoriented to match"
    )


def _elsewhere(volume: Volume, turned: Volume, grid: Volume, what: str) -> InputError:
    """Return the error that says how far apart two images are and what differs."""
    found = ", ".join(_differences(turned, grid))
    return InputError(
        f"{volume.name} and {what}{grid.name} differ in position by up to "
        f"{_distance(turned, grid):.3g} {grid.unit} ({found})",
        hint=_HINT,
    )


def _differences(volume: Volume, grid: Volume) -> Iterator[str]:
    if volume.spatial_shape != grid.spatial_shape:
        yield f"shape {volume.spatial_shape} and {grid.spatial_shape}"
    sizes = [np.linalg.norm(matrix_in(v, grid.unit)[:-1, :-1], axis=0) for v in (volume, grid)]
    if not np.allclose(sizes[0], sizes[1], rtol=_SAME_SPACING):
        yield f"spacing {volume.describe_spacing()} and {grid.describe_spacing()}"
    cosines = (_directions(volume) * _directions(grid)).sum(0)
    angle = float(np.degrees(np.arccos(np.clip(cosines, -1, 1))).max())
    if angle > _SAME_ANGLE:
        yield f"axes rotated by up to {angle:.3g}°"
    middles = [_corners(v, grid.unit).mean(0) for v in (volume, grid)]
    yield f"centres {np.linalg.norm(middles[0] - middles[1]):.3g} {grid.unit} apart"
