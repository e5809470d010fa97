"""Several files as one image: each a slice, a frame or a channel. Only on request."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import FileError, InputError
from ..core.user_path import user_path
from ..geometry.place import on_grid_of
from . import read, readable, stem

if TYPE_CHECKING:
    from ..core.volume import Volume

logger = logging.getLogger("napari_tally")

_SEPARATORS = "_. -"  # between the parts of a name


def read_stack(
    folder: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    axis: str = "Z",
    *,
    axes: str | None = None,
    labels: bool = False,
    resample: bool = False,
) -> Volume:
    """Read files, or the images of a folder in natural order of their names, as one image.

    Files are read lazily. They do not give the spacing of slices: a stack along Z has no
    calibration, one along T or C that of its files.

    Parameters
    ----------
    folder : path, or sequence of path
        A folder of images of one shape, dtype and meaning of axes, or such files in order.
    axis : {"Z", "T", "C"}
        The axis along which files are stacked.
    axes : str, optional
        Axes of each file. Default: read from the files.
    labels : bool
        Whether they are read as labels.
    resample : bool
        Resample frames or channels that lie on another grid than the first one.

    Raises
    ------
    FileError
        If the folder has no image.
    InputError
        If the images have that axis themselves, or differ in shape, dtype or axes, or, along T or
        C, in position or spacing.
    """
    name, paths = _files(folder)
    axis = axis.upper()
    first = read(paths[0], axes=axes, labels=labels)
    if axis not in ("Z", "T", "C") or axis in first.axes:
        raise InputError(
            f"Files with the axes {first.axes} ({first.name}) cannot be stacked along {axis!r}",
            hint="Choose another axis: Z, T or C",
        )
    place = first.axes.index("Y") if axis == "Z" else 0
    spacing, unit = (None, "px") if axis == "Z" else (first.spacing, first.unit)
    return replace(
        first,
        array=_stacked(paths, first, axes, axis, place, resample=resample),
        axes=first.axes[:place] + axis + first.axes[place:],
        spacing=spacing,
        unit=unit,
        affine=None if axis == "Z" else first.affine,
        channel_names=_name_parts(paths)[1] if axis == "C" else first.channel_names,
        name=name,
    )


def _files(
    given: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> tuple[str, list[Path]]:
    """Return the files of a stack, and its name."""
    if not isinstance(given, (str, os.PathLike)):
        paths = [user_path(path) for path in given]
        shared, _ = _name_parts(paths)
        return shared or stem(paths[0]), paths
    folder = user_path(given)
    paths = sorted((p for p in folder.glob("*") if p.is_file() and readable(p)), key=natural)
    if not paths:
        raise FileError(f"The folder {folder} has no images")
    return folder.name, paths


def _name_parts(paths: Sequence[Path]) -> tuple[str, tuple[str, ...]]:
    """Return the common beginning of file names, and the rest of each.

    "a_flair" and "a_t1" give "a", "flair" and "t1": names are split at separators such as `_`, and
    each rest keeps at least one part.
    """
    parts = [re.split(f"[{_SEPARATORS}]", stem(path)) for path in paths]
    shared = 0
    while all(len(p) > shared + 1 and p[shared] == parts[0][shared] for p in parts):
        shared += 1
    return "_".join(parts[0][:shared]), tuple("_".join(p[shared:]) for p in parts)


def natural(path: Path) -> list[Any]:
    """Return a sort key that puts `slice10` after `slice9`."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [int(part) if part.isdigit() else part for part in parts]


def _stacked(
    paths: list[Path],
    first: Volume,
    axes: str | None,
    axis: str,
    place: int,
    *,
    resample: bool,
) -> Any:
    import dask
    import dask.array as da

    def array(path: Path) -> Any:
        volume = read(path, axes=axes, labels=first.is_labels)
        if axis != "Z" and volume.axes == first.axes:
            volume = _brought(volume, first, resample=resample)
        found = volume.shape, volume.array.dtype, volume.axes
        if found != (first.shape, first.array.dtype, first.axes):
            raise InputError(
                f"{path.name} ({volume.axes}, {volume.shape}, {volume.array.dtype}) cannot be "
                f"stacked with {first.name} ({first.axes}, {first.shape}, {first.array.dtype})"
            )
        return volume.array

    later = dask.delayed(array, pure=False)
    shape, dtype = first.shape, first.array.dtype
    return da.stack([da.from_delayed(later(p), shape, dtype) for p in paths], axis=place)


def _brought(volume: Volume, first: Volume, *, resample: bool) -> Volume:
    """Return a frame or channel on the grid of the first one, in its own dtype."""
    placed, note = on_grid_of(volume, first, resample=resample)
    if not note:
        return placed
    logger.warning("%s.", note)
    array, dtype = np.asarray(placed.array), volume.array.dtype
    if array.dtype != dtype:  # interpolated
        array = np.nan_to_num(np.rint(array)).astype(dtype)
    return replace(placed, array=array)
