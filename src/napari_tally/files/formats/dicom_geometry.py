"""Geometry of a DICOM series: the order, spacing and orientation of its slices, and what is wrong.

highdicom's volumes would not simplify this: they take data sets of single frames with a frame of
reference, read all pixels at once, and refuse gaps and duplicates without saying which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from .world_coordinates import Matrix, backwards, lengths

if TYPE_CHECKING:
    from .dicom_slice import Slice
    from .voxel_size import Sizes

_ORIENTATION_TOLERANCE = 1e-3
_SPACING_TOLERANCE = 1e-3  # relative
_SAME_POSITION_MM = 1e-2
_UNEVEN = 0.1  # share of the spacing beyond which a volume would be distorted
_NOTABLE = 0.01
_NO_ORDER = (
    "Export it again, or stack its files in the order of their names with --stack Z"
    " (in Python: read_stack)"
)


class NoVolumeError(InputError):
    """Slices that are no volume, though each is an image: of several orientations, or copies."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Slices in their order.

    Attributes
    ----------
    slices : list of Slice
    axes : str
        "YX", "ZYX", "TYX" or "TZYX".
    affine : ndarray, optional
        (z, y, x) to (superior, posterior, left); None if the place is not known.
    sizes : dict
        Size of a voxel along the axes where it is known, in mm.
    notes : list of str
        What was assumed.
    times : int
        Time points of "TZYX", of which the slices follow each other.
    """

    slices: list[Slice]
    axes: str
    affine: Matrix | None
    sizes: Sizes
    notes: list[str]
    times: int = 1


def placed(slices: list[Slice], name: str) -> Placed:
    """Sort slices by position, else by slice location, else by instance number.

    Raises
    ------
    InputError
        If they have different orientations or spacings, share a position, leave gaps, or nothing
        gives their order.
    """
    _check_alike(slices, name)
    known = [plane for plane in slices if plane.position and plane.directions]
    apart = len(slices) == 1 or len({plane.position for plane in known}) > 1
    if len(known) == len(slices) and apart:
        volumes = [_by_position(each, name) for each in _by_time(slices)]
        if len(volumes) > 1:
            first, affine, notes = volumes[0]
            ordered = [plane for each, _, _ in volumes for plane in each]
            return Placed(ordered, "TZYX", affine, _sizes(first, affine), notes, len(volumes))
        slices, affine, notes = _by_position(slices, name)
        axes = "YX" if affine is None and len(slices) == 1 else "ZYX"
        return Placed(slices, axes, affine, _sizes(slices, affine), notes)
    in_plane = _sizes(slices, None)
    if len(slices) == 1:
        return Placed(slices, "YX", None, in_plane, [])
    if len({plane.path for plane in slices}) == 1:
        return _frames_in_order(slices, in_plane)
    return _by_number(slices, len(known), in_plane, name)


def _check_alike(slices: list[Slice], name: str) -> None:
    turns = np.array([plane.directions for plane in slices if plane.directions])
    if len(turns) and np.abs(turns - turns[0]).max() > _ORIENTATION_TOLERANCE:
        kinds = len(np.unique(turns.round(2), axis=0))
        raise NoVolumeError(
            f"The {len(slices)} slices of {name} have {kinds} orientations",
            hint="If it is a localizer, choose another series; else sort the files into folders",
        )
    sizes = sorted({plane.spacing for plane in slices})
    same = len({len(s) for s in sizes}) == 1 and np.allclose(sizes, sizes[0], _SPACING_TOLERANCE, 0)
    if not same:
        text = " and ".join(" x ".join(f"{v:g}" for v in s) or "none" for s in sizes[:4])
        raise NoVolumeError(
            f"The slices of {name} have different pixel spacings: {text} mm",
            hint="Sort the files into folders, or resample them",
        )


def _by_time(slices: list[Slice]) -> list[list[Slice]]:
    """Return the slices of each time point; nothing unless each has one at every position."""
    moments = sorted({plane.moment for plane in slices if plane.moment is not None})
    groups = [[plane for plane in slices if plane.moment == moment] for moment in moments]
    places = [sorted(tuple(np.round(plane.position, 2)) for plane in group) for group in groups]
    whole = sum(map(len, groups)) == len(slices) and len(groups) > 1
    alike = all(each == places[0] and len(set(each)) == len(each) for each in places)
    return groups if whole and alike else []


def _by_position(slices: list[Slice], name: str) -> tuple[list[Slice], Matrix | None, list[str]]:
    """Sort slices along their normal; return them, their affine, and notes."""
    along_row, along_column = np.array(slices[0].directions).reshape(2, 3)
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


def _frames_in_order(slices: list[Slice], sizes: Sizes) -> Placed:
    """Keep the order of the frames of one file that have no positions."""
    first = slices[0]
    moments = {plane.moment for plane in slices}
    if len(moments) == len(slices) and None not in moments:
        slices = sorted(slices, key=lambda plane: plane.moment or 0.0)
        return Placed(slices, "TYX", None, sizes, ["its frames are read as those of a film"])
    if first.over_time:
        return Placed(slices, "TYX", None, sizes, [])
    notes = [f"its {len(slices)} frames have no positions, and stay in their order as slices"]
    between = abs(first.between)
    return Placed(slices, "ZYX", None, sizes | ({"Z": (between, "mm")} if between else {}), notes)


def _by_number(slices: list[Slice], known: int, sizes: Sizes, name: str) -> Placed:
    """Sort files whose positions are missing or all alike by slice location or number.

    Raises
    ------
    InputError
        If neither differs from file to file.
    """
    missing = len(slices) - known
    what = f"lack a position ({missing} of {len(slices)})" if missing else "share one position"
    over_time = slices[0].over_time
    locations = [plane.location for plane in slices]
    if not over_time and None not in locations and len(set(locations)) == len(slices):
        slices = sorted(slices, key=lambda plane: plane.location or 0.0)
        distances = np.diff([plane.location or 0.0 for plane in slices])
        usual = float(np.median(distances))
        _check_duplicates(distances, len(slices), name)
        _check_gaps(distances, usual, len(slices), name)
        notes = [f"the slices {what}; sorted by slice location, without orientation"]
        mean = float(distances.mean())
        return Placed(slices, "ZYX", None, sizes | {"Z": (mean, "mm")}, notes)
    moments = {plane.moment for plane in slices}
    if not missing and None not in moments and len(moments) == len(slices):
        slices = sorted(slices, key=lambda plane: plane.moment or 0.0)
        return Placed(slices, "TYX", None, sizes, [f"the slices {what}; read as frames over time"])
    numbers = [plane.instance for plane in slices]
    if None in numbers or len(set(numbers)) < len(slices):
        raise InputError(
            f"The order of the {len(slices)} slices of {name} is not known: they {what}, and "
            "neither slice locations nor instance numbers tell them apart",
            hint=_NO_ORDER,
        )
    slices = sorted(slices, key=lambda plane: plane.instance or 0.0)
    notes = [f"the slices {what}; sorted by instance number, without orientation"]
    steps = np.diff([plane.instance or 0.0 for plane in slices])
    if (steps != steps.min()).any():
        after = slices[int(np.argmax(steps != steps.min()))].instance
        notes.append(f"instance numbers are missing after {after:g}; check that no slice is lost")
    between = abs(slices[0].between) if missing and not over_time else 0.0
    more: Sizes = {"Z": (between, "mm")} if between else {}
    return Placed(slices, "TYX" if over_time else "ZYX", None, sizes | more, notes)


def _sizes(slices: list[Slice], affine: Matrix | None) -> Sizes:
    """Return the voxel size from the affine, or else from a single plane."""
    if affine is not None:
        return {a: (s, "mm") for a, s in zip("ZYX", lengths(affine), strict=True)}
    return {a: (s, "mm") for a, s in zip("YX", slices[0].spacing, strict=False)}


def _step(
    slices: list[Slice], positions: NDArray[np.float64], normal: NDArray[np.float64], name: str
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Return the vector from one slice to the next, and notes."""
    if len(slices) == 1:
        thickness = abs(slices[0].between) or slices[0].thickness
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
        raise NoVolumeError(
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
