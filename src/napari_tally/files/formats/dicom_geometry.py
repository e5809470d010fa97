"""Where the slices of a DICOM series lie: their order and distance, and what is wrong with it."""

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
_SAME_PLACE_MM = 1e-2
_UNEVEN = 0.1  # share of the distance of slices beyond which a volume would be crooked
_NOTABLE = 0.01


def placed(slices: list[Slice], name: str) -> tuple[list[Slice], Matrix | None, list[str]]:
    """Sort slices along their normal; return them, their affine (z, y, x), and what to note.

    The affine is None for a single slice of which not even the thickness is known.

    Raises
    ------
    InputError
        If they have different orientations, share a place, or leave gaps.
    """
    turns = np.array([plane.directions for plane in slices])
    if np.abs(turns - turns[0]).max() > _ORIENTATION_TOLERANCE:
        kinds = len(np.unique(turns.round(2), axis=0))
        raise InputError(
            f"Slices of one orientation are needed in {name}",
            f"{len(slices)} slices of {kinds} orientations",
            "Is it a localizer? Choose another series, or sort the files into folders",
        )
    along_row, along_column = turns[0, :3], turns[0, 3:]
    normal = np.cross(along_row, along_column)
    places = np.array([plane.position for plane in slices])
    order = np.argsort(places @ normal, kind="stable")
    slices, places = [slices[i] for i in order], places[order]
    step, notes = _step(slices, places, normal, name)
    spacing = slices[0].spacing
    if step is None or not spacing:
        return slices, None, notes
    affine = np.eye(4)
    affine[:3, 0] = along_row * spacing[1]
    affine[:3, 1] = along_column * spacing[0]
    affine[:3, 2], affine[:3, 3] = step, places[0]
    return slices, backwards(affine), notes


def stacked(slices: list[Slice], affine: Matrix | None) -> Sizes:
    """Return the size of a voxel: of the affine, else of a plane alone."""
    if affine is not None:
        return {a: (s, "mm") for a, s in zip("ZYX", lengths(affine), strict=True)}
    return {a: (s, "mm") for a, s in zip("YX", slices[0].spacing, strict=False)}


def _step(
    slices: list[Slice], places: NDArray[np.float64], normal: NDArray[np.float64], name: str
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Return the way from one slice to the next, and what to note."""
    if len(slices) == 1:
        thickness = slices[0].thickness
        note = f"one slice; its thickness of {thickness:g} mm is taken for the spacing of Z"
        return (normal * thickness, [note]) if thickness else (None, [])
    distances = np.diff(places @ normal)
    _check_places(distances, len(slices), name)
    usual = float(np.median(distances))
    _check_gaps(distances, usual, len(slices), name)
    notes = []
    if np.abs(distances - usual).max() > _NOTABLE * usual:
        low, high = distances.min(), distances.max()
        notes.append(f"slices are {low:.4g} to {high:.4g} mm apart, and taken to be evenly so")
    return (places[-1] - places[0]) / (len(slices) - 1), notes


def _check_places(distances: NDArray[np.float64], count: int, name: str) -> None:
    same = int((distances < _SAME_PLACE_MM).sum())
    if same:
        raise InputError(
            f"One slice at each place is needed in {name}",
            f"{count} slices at {count - same} places",
            "Are there two time points or echoes? Sort them into folders of their own",
        )


def _check_gaps(distances: NDArray[np.float64], usual: float, count: int, name: str) -> None:
    missing = int((np.round(distances / usual) - 1).clip(0).sum())
    if missing:
        after = int(np.argmax(distances)) + 1
        raise InputError(
            f"All slices of {name} are needed",
            f"{count} slices {usual:.4g} mm apart, with {missing} missing (first after slice "
            f"{after})",
            "Export or copy the series again",
        )
    if np.abs(distances - usual).max() > _UNEVEN * usual:
        raise InputError(
            f"Evenly spaced slices are needed in {name}",
            f"distances from {distances.min():.4g} to {distances.max():.4g} mm",
            "Resample the series to an even spacing first",
        )
