"""Orientation of an image in the body, and reorientation to another one.

An orientation is three letters for the x, y and z axes, as in nibabel: the side to which each axis
points (Right or Left, Anterior or Posterior, Superior or Inferior). An array
(Z, Y, X) in "RAS" has its last axis pointing right, its middle one anterior and its first superior.
Oblique axes count as the nearest direction. Nothing is resampled here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..core.volume import Volume

# The sides that the world's axes (see `Volume.affine`) come from and point to, in array order.
_SIDES = (("I", "S"), ("A", "P"), ("R", "L"))


@dataclass(frozen=True, slots=True)
class Turn:
    """A reorientation: permute the last three axes of an array, then flip some; a view, no copy.

    Attributes
    ----------
    order : (int, int, int)
        The old axis of each new one.
    mirrored : (bool, bool, bool)
        Which of the new axes are flipped.
    """

    order: tuple[int, int, int] = (0, 1, 2)
    mirrored: tuple[bool, bool, bool] = (False, False, False)

    def __call__(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the reoriented array, shape (..., Z, Y, X)."""
        lead = array.ndim - 3
        permuted = array.transpose(*range(lead), *(lead + axis for axis in self.order))
        return permuted[(..., *(slice(None, None, -1 if m else None) for m in self.mirrored))]

    def back(self, array: NDArray[Any]) -> NDArray[Any]:
        """Undo the reorientation of an array."""
        return self.inverse(array)

    @property
    def inverse(self) -> Turn:
        """The reorientation that undoes this one."""
        order = [int(i) for i in np.argsort(self.order)]
        a, b, c = order
        return Turn((a, b, c), (self.mirrored[a], self.mirrored[b], self.mirrored[c]))

    def permuted(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return one value for each axis in the order of the reoriented array."""
        return tuple(values[axis] for axis in self.order)


def check_codes(codes: str) -> str:
    """Return an orientation in upper case.

    Raises
    ------
    InputError
        If it is not one letter of each of R/L, A/P and S/I.
    """
    upper = codes.upper()
    sides = [i for code in upper for i, pair in enumerate(_SIDES) if code in pair]
    if len(upper) != 3 or sorted(sides) != [0, 1, 2]:
        raise InputError(
            f"{codes!r} is not an orientation",
            hint="Give one letter each of R or L, A or P, S or I for x, y and z, such as RAS",
        )
    return upper


def orientation(volume: Volume) -> str:
    """Return the orientation of a volume, such as "RAS"; "" if it is 2D or has no affine."""
    known = volume.affine is not None and len(volume.spatial_axes) == 3
    return orientation_of(np.asarray(volume.affine)) if known else ""


def orientation_of(affine: NDArray[np.float64]) -> str:
    """Return the orientation of an array with this affine (see `Volume.affine`), such as "RAS".

    Raises
    ------
    InputError
        If the affine is singular: an axis has no length, or two are parallel.
    """
    found = _axes(affine)
    return "".join(_SIDES[int(world)][int(sign > 0)] for world, sign in found[::-1])


def turn_to(affine: NDArray[np.float64], codes: str) -> Turn:
    """Return the reorientation of an array with this affine to `codes`."""
    from nibabel.orientations import axcodes2ornt, ornt_transform

    wanted = axcodes2ornt(check_codes(codes)[::-1], _SIDES)
    change = ornt_transform(_axes(affine), wanted)
    # A row for each old axis: the new axis that it becomes, and 1 or -1 if it is flipped.
    a, b, c = (int(i) for i in np.argsort(change[:, 0]))
    flips = [bool(change[old, 1] < 0) for old in (a, b, c)]
    return Turn((a, b, c), (flips[0], flips[1], flips[2]))


def reoriented(volume: Volume, codes: str) -> Volume:
    """Return a volume of axes (..., Z, Y, X) in another orientation; world coordinates stay.

    Raises
    ------
    InputError
        If the volume has no affine, or is not 3D.
    """
    if volume.affine is None or len(volume.affine) != 4 or not volume.axes.endswith("ZYX"):
        raise InputError(
            f"{volume.name} (axes {volume.axes}, {'no' if volume.affine is None else 'with an'} "
            f"affine) cannot be reoriented to {codes}",
            hint="Only volumes (axes ZYX) with an affine can",
        )
    turn = turn_to(volume.affine, codes)
    spacing = None if volume.spacing is None else turn.permuted(volume.spacing)
    array = turn(np.asarray(volume.array))
    affine = volume.affine @ _indices(turn, volume.array.shape[-3:])
    return replace(volume, array=array, spacing=spacing, affine=affine)


def upright(volume: Volume) -> Volume:
    """Return a volume with its axes in the order of the world's, as a view; flips are kept.

    A viewer that shows slices along the axes of an array cannot show permuted axes (a sagittal
    series): then Z is no longer along the slices of the scanner. Without a 3D affine nothing
    changes.
    """
    if volume.affine is None or len(volume.affine) != 4:
        return volume
    order = turn_to(volume.affine, "LPS").order
    if order == (0, 1, 2):
        return volume
    spots = [volume.axes.index(axis) for axis in "ZYX"]
    places = list(range(len(volume.axes)))
    for new, old in enumerate(order):
        places[spots[new]] = spots[old]
    affine = volume.affine[:, [*order, 3]]
    spacing = None if volume.spacing is None else tuple(volume.spacing[i] for i in order)
    return replace(volume, array=volume.array.transpose(places), affine=affine, spacing=spacing)


def _indices(turn: Turn, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the matrix from indices of a reoriented array to those of the array of `shape`."""
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    for new, (old, mirrored) in enumerate(zip(turn.order, turn.mirrored, strict=True)):
        matrix[old, new] = -1 if mirrored else 1
        matrix[old, 3] = shape[old] - 1 if mirrored else 0
    return matrix


def _axes(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each axis of the array, the world's axis nearest to it and its sign."""
    from nibabel.orientations import io_orientation

    matrix = np.asarray(affine, np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InputError(f"The affine must be 4 x 4 finite numbers, not {matrix.tolist()}")
    found: NDArray[np.float64] = io_orientation(matrix)
    if np.isnan(found).any():
        raise InputError(f"The affine is singular: {matrix.tolist()}")
    return found
