"""Which way the axes of an image lie in the body, and turning it so that they lie another way.

An orientation is three letters for the x, y and z axes, as nibabel writes them: each says towards
which side the axis goes (Right or Left, Anterior or Posterior, Superior or Inferior). An array
(Z, Y, X) in "RAS" has its last axis going right, its middle one anterior and its first superior.
Oblique axes count for the side that they are nearest to. Nothing is resampled here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError

if TYPE_CHECKING:
    from ..core.volume import Volume

# The sides that the world's axes (see `Volume.affine`) come from and go to, in the array's order.
_SIDES = (("I", "S"), ("A", "P"), ("R", "L"))


@dataclass(frozen=True, slots=True)
class Turn:
    """A permutation of the three last axes of an array, and then mirrors: views, no copies.

    Attributes
    ----------
    order : (int, int, int)
        The old axis that each new one is.
    mirrored : (bool, bool, bool)
        Which of the new axes go backwards.
    """

    order: tuple[int, int, int] = (0, 1, 2)
    mirrored: tuple[bool, bool, bool] = (False, False, False)

    def __call__(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the turned array, shape (..., Z, Y, X)."""
        lead = array.ndim - 3
        turned = array.transpose(*range(lead), *(lead + axis for axis in self.order))
        return turned[(..., *(slice(None, None, -1 if m else None) for m in self.mirrored))]

    def back(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array that this turn made into `array`."""
        return self.inverse(array)

    @property
    def inverse(self) -> Turn:
        """The turn that undoes this one."""
        order = [int(i) for i in np.argsort(self.order)]
        a, b, c = order
        return Turn((a, b, c), (self.mirrored[a], self.mirrored[b], self.mirrored[c]))

    def permuted(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return one value an axis in the order of the turned array."""
        return tuple(values[axis] for axis in self.order)


def check_codes(codes: str) -> str:
    """Return the orientation in capitals.

    Raises
    ------
    InputError
        If it is not one letter of each of R/L, A/P and S/I.
    """
    upper = codes.upper()
    sides = [i for code in upper for i, pair in enumerate(_SIDES) if code in pair]
    if len(upper) != 3 or sorted(sides) != [0, 1, 2]:
        raise InputError(
            "An orientation of one letter each of R or L, A or P, S or I is needed",
            repr(codes),
            "Write it for x, y and z, such as RAS",
        )
    return upper


def orientation(volume: Volume) -> str:
    """Return the orientation of a volume, such as "RAS"; "" if it is flat or says nothing of it."""
    known = volume.affine is not None and len(volume.spatial_axes) == 3
    return orientation_of(np.asarray(volume.affine)) if known else ""


def orientation_of(affine: NDArray[np.float64]) -> str:
    """Return the orientation of an array with this affine (see `Volume.affine`), such as "RAS".

    Raises
    ------
    InputError
        If the affine does not say it: an axis has no length, or two lie alike.
    """
    found = _axes(affine)
    return "".join(_SIDES[int(world)][int(sign > 0)] for world, sign in found[::-1])


def turn_to(affine: NDArray[np.float64], codes: str) -> Turn:
    """Return the turn that gives an array with this affine the orientation `codes`."""
    from nibabel.orientations import axcodes2ornt, ornt_transform

    wanted = axcodes2ornt(check_codes(codes)[::-1], _SIDES)
    change = ornt_transform(_axes(affine), wanted)
    # A row an old axis: the new axis that it becomes, and whether it goes on as it did.
    a, b, c = (int(i) for i in np.argsort(change[:, 0]))
    flips = [bool(change[old, 1] < 0) for old in (a, b, c)]
    return Turn((a, b, c), (flips[0], flips[1], flips[2]))


def reoriented(volume: Volume, codes: str) -> Volume:
    """Return a volume of axes (..., Z, Y, X) in another orientation; its points stay in place.

    Raises
    ------
    InputError
        If the volume has no affine, or is not 3D.
    """
    if volume.affine is None or len(volume.affine) != 4 or not volume.axes.endswith("ZYX"):
        raise InputError(
            f"A volume (axes ZYX) that says how it lies is needed to turn {volume.name} to {codes}",
            f"axes {volume.axes} {'without' if volume.affine is None else 'with'} an affine",
        )
    turn = turn_to(volume.affine, codes)
    spacing = None if volume.spacing is None else turn.permuted(volume.spacing)
    array = turn(np.asarray(volume.array))
    affine = volume.affine @ _indices(turn, volume.array.shape[-3:])
    return replace(volume, array=array, spacing=spacing, affine=affine)


def upright(volume: Volume) -> Volume:
    """Return a volume whose axes are in the order of the world's, as views; mirrored ones stay so.

    A viewer that draws slices along the axes of an array cannot draw those that lie across (a
    sagittal series): then Z is no longer the slices of the scanner. Without an affine in 3D nothing
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
    """Return the matrix from indices of a turned array to those of the array of `shape`."""
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    for new, (old, mirrored) in enumerate(zip(turn.order, turn.mirrored, strict=True)):
        matrix[old, new] = -1 if mirrored else 1
        matrix[old, 3] = shape[old] - 1 if mirrored else 0
    return matrix


def _axes(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each axis of the array, the world's axis it lies along and its sign."""
    from nibabel.orientations import io_orientation

    matrix = np.asarray(affine, np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InputError("A finite affine of 4 x 4 numbers is needed", f"{matrix.tolist()}")
    found: NDArray[np.float64] = io_orientation(matrix)
    if np.isnan(found).any():
        raise InputError("An affine of three different axes is needed", f"{matrix.tolist()}")
    return found
