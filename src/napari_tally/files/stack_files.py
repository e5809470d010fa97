"""Several images as one: each file a slice, a frame or a channel. Only when the user says so."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import FileError, InputError
from . import read, readable, stem

if TYPE_CHECKING:
    from ..core.volume import Volume

_BETWEEN = "_. -"  # what parts a name


def read_stack(
    folder: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    axis: str = "Z",
    *,
    axes: str | None = None,
) -> Volume:
    """Read the images in a folder as one, in the order of the numbers in their names, or files.

    Each is read when it is needed. Files say nothing of the distance of slices: a stack along Z has
    no calibration, one along T or C that of its files.

    Parameters
    ----------
    folder : path, or sequence of path
        A folder of images of one shape, dtype and meaning of axes, or such files in order.
    axis : {"Z", "T", "C"}
        What the files follow each other along.
    axes : str, optional
        Axes of each file, where their own are wrong or missing.

    Raises
    ------
    FileError
        If there is no image in the folder.
    InputError
        If the images have that axis themselves, or differ in shape, dtype or axes, or, along T or
        C, in their place.
    """
    name, paths = _files(folder)
    axis = axis.upper()
    first = read(paths[0], axes=axes)
    if axis not in ("Z", "T", "C") or axis in first.axes:
        raise InputError(
            "Z, T or C is needed as the axis of a stack, and not one that its files have",
            f"{axis!r}, and {first.axes} in {first.name}",
        )
    place = first.axes.index("Y") if axis == "Z" else 0
    spacing, unit = (None, "px") if axis == "Z" else (first.spacing, first.unit)
    return replace(
        first,
        array=_stacked(paths, first, axes, axis, place),
        axes=first.axes[:place] + axis + first.axes[place:],
        spacing=spacing,
        unit=unit,
        affine=None if axis == "Z" else first.affine,
        channel_names=_told_apart(paths)[1] if axis == "C" else first.channel_names,
        name=name,
    )


def _files(
    told: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> tuple[str, list[Path]]:
    """Return the files of a stack, and its name."""
    if not isinstance(told, (str, os.PathLike)):
        paths = [Path(path).expanduser() for path in told]
        shared, _ = _told_apart(paths)
        return shared or stem(paths[0]), paths
    folder = Path(told).expanduser()
    paths = sorted((p for p in folder.glob("*") if p.is_file() and readable(p)), key=natural)
    if not paths:
        raise FileError("A folder with images is needed", str(folder))
    return folder.name, paths


def _told_apart(paths: Sequence[Path]) -> tuple[str, tuple[str, ...]]:
    """Return what names of files begin with, and how each goes on.

    "a_flair" and "a_t1" give "a", "flair" and "t1": names are told apart by their parts between
    marks such as `_`, of which each keeps one at least.
    """
    parts = [re.split(f"[{_BETWEEN}]", stem(path)) for path in paths]
    shared = 0
    while all(len(p) > shared + 1 and p[shared] == parts[0][shared] for p in parts):
        shared += 1
    return "_".join(parts[0][:shared]), tuple("_".join(p[shared:]) for p in parts)


def natural(path: Path) -> list[Any]:
    """Return a key by which `slice10` comes after `slice9`."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [int(part) if part.isdigit() else part for part in parts]


def _stacked(paths: list[Path], first: Volume, axes: str | None, axis: str, place: int) -> Any:
    import dask
    import dask.array as da

    def array(path: Path) -> Any:
        volume = read(path, axes=axes)
        found = volume.shape, volume.array.dtype, volume.axes
        if found != (first.shape, first.array.dtype, first.axes):
            raise InputError(
                f"Images like {first.name} ({first.axes}, {first.shape}, {first.array.dtype}) "
                "are needed for a stack",
                f"{path.name} ({volume.axes}, {volume.shape}, {volume.array.dtype})",
            )
        if axis != "Z" and not _same_place(volume, first):
            raise InputError(
                f"Images in the place of {first.name} are needed ({first.describe_spacing()})",
                f"{path.name} in another one ({volume.describe_spacing()})",
                "Resample them to one grid first",
            )
        return volume.array

    later = dask.delayed(array, pure=False)
    shape, dtype = first.shape, first.array.dtype
    return da.stack([da.from_delayed(later(p), shape, dtype) for p in paths], axis=place)


def _same_place(one: Volume, other: Volume) -> bool:
    """Tell whether voxels lie at the same places, as far as the files say."""
    pairs = ((one.affine, other.affine), (one.spacing, other.spacing))
    return all(
        a is b or (a is not None and b is not None and np.allclose(a, b, rtol=1e-3, atol=1e-3))
        for a, b in pairs
    )
