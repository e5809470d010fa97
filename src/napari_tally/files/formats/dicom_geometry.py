"""Geometry of a DICOM series: the order, spacing and orientation of its slices, and what is wrong.

highdicom's volumes would not simplify this: they take data sets of single frames with a frame of
reference, read all pixels at once, and refuse gaps and duplicates without saying which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from .world_coordinates import Matrix, backwards, lengths

if TYPE_CHECKING:
    from .dicom_headers import Slice
    from .voxel_size import Sizes

_ORIENTATION_TOLERANCE = 1e-3
_SAME_POSITION_MM = 1e-2
_UNEVEN = 0.1  # share of the spacing beyond which a volume would be distorted
_NOTABLE = 0.01


def sorted_slices(slices: list[Slice], name: str) -> tuple[list[Slice], Matrix | None, list[str]]:
    """Sort slices along their normal; return them, their affine (z, y, x), and notes.

    The affine is None for a single slice of unknown thickness.

    Raises
    ------
    InputError
        If they have different orientations, share a position, or leave gaps.
    """
    turns = np.array([plane.directions for plane in slices])
    if np.abs(turns - turns[0]).max() > _ORIENTATION_TOLERANCE:
        kinds = len(np.unique(turns.round(2), axis=0))
        raise InputError(
            f"The {len(slices)} slices of {name} have {kinds} orientations",
            hint="If it is a localizer, choose another series; else sort the files into folders",
        )
    along_row, along_column = turns[0, :3], turns[0, 3:]
    normal = np.cross(along_row, along_column)
    positions = np.array([plane.position for plane in slices])
    order = np.argsort(positions @ normal, kind="stable")
    slices, positions = [slices[i] for i in order], positions[order]
    step, notes = _step(slices, positions, normal, name)
    spacing = slices[0].spacing
    if step is None or not spacing:
        return slices, None, notes
    affine = np.eye(4)
    affine[:3, 0] = along_row * spacing[1]
    affine[:3, 1] = along_column * spacing[0]
    affine[:3, 2], affine[:3, 3] = step, positions[0]
    return slices, backwards(affine), notes


def voxel_sizes(slices: list[Slice], affine: Matrix | None) -> Sizes:
    """Return the voxel size from the affine, or else from a single plane."""
    if affine is not None:
        return {a: (s, "mm") for a, s in zip("ZYX", lengths(affine), strict=True)}
    return {a: (s, "mm") for a, s in zip("YX", slices[0].spacing, strict=False)}


def _step(
    slices: list[Slice], positions: NDArray[np.float64], normal: NDArray[np.float64], name: str
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Return the vector from one slice to the next, and notes."""
    if len(slices) == 1:
        thickness = slices[0].thickness
        note = f"one slice; its thickness of {thickness:g} mm is used as the spacing of Z"
        return (normal * thickness, [note]) if thickness else (None, [])
    distances = np.diff(positions @ normal)
    _check_duplicates(distances, len(slices), name)
    usual = float(np.median(distances))
    _check_gaps(distances, usual, len(slices), name)
    notes = []
    if np.abs(distances - usual).max() > _NOTABLE * usual:
        low, high = distances.min(), distances.max()
        notes.append(f"slices are {low:.4g} to {high:.4g} mm apart, and read as evenly spaced")
    return (positions[-1] - positions[0]) / (len(slices) - 1), notes


def _check_duplicates(distances: NDArray[np.float64], count: int, name: str) -> None:
    same = int((distances < _SAME_POSITION_MM).sum())
    if same:
        raise InputError(
            f"{name} has {count} slices at {count - same} positions",
            hint="If they belong to two time points or echoes, sort them into folders",
        )


def _check_gaps(distances: NDArray[np.float64], usual: float, count: int, name: str) -> None:
    missing = int((np.round(distances / usual) - 1).clip(0).sum())
    if missing:
        after = int(np.argmax(distances)) + 1
        raise InputError(
            f"{name} has {count} slices {usual:.4g} mm apart, with {missing} missing (the first "
            f"after slice {after})",
            hint="Export or copy the series again",
        )
    if np.abs(distances - usual).max() > _UNEVEN * usual:
        raise InputError(
            f"The slices of {name} are not evenly spaced: {distances.min():.4g} to "
            f"{distances.max():.4g} mm apart",
            hint="Resample the series to an even spacing first",
        )
