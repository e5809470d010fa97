"""A folder of images as one: each file a slice, or a frame. Only when the user says so."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import FileError, InputError
from . import read, readable

if TYPE_CHECKING:
    import os

    from ..core.volume import Volume


def read_stack(
    folder: str | os.PathLike[str], axis: str = "Z", *, axes: str | None = None
) -> Volume:
    """Read the images in a folder as one, in the order of the numbers in their names.

    Each is read when it is needed. Files say nothing of the distance of slices: a stack along Z has
    no calibration, one along T or C that of its files.

    Parameters
    ----------
    folder : path
        A folder of images of one shape, dtype and meaning of axes.
    axis : {"Z", "T", "C"}
        What the files follow each other along.
    axes : str, optional
        Axes of each file, where their own are wrong or missing.

    Raises
    ------
    FileError
        If there is no image in the folder.
    InputError
        If the images have that axis themselves, or differ in shape, dtype or axes.
    """
    folder = Path(folder).expanduser()
    paths = sorted((p for p in folder.glob("*") if p.is_file() and readable(p)), key=natural)
    if not paths:
        raise FileError("A folder with images is needed", str(folder))
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
        array=_stacked(paths, first, axes, place),
        axes=first.axes[:place] + axis + first.axes[place:],
        spacing=spacing,
        unit=unit,
        affine=None if axis == "Z" else first.affine,
        channel_names=tuple(p.stem for p in paths) if axis == "C" else first.channel_names,
        name=folder.name,
    )


def natural(path: Path) -> list[Any]:
    """Return a key by which `slice10` comes after `slice9`."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [int(part) if part.isdigit() else part for part in parts]


def _stacked(paths: list[Path], first: Volume, axes: str | None, place: int) -> Any:
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
        return volume.array

    later = dask.delayed(array, pure=False)
    shape, dtype = first.shape, first.array.dtype
    return da.stack([da.from_delayed(later(p), shape, dtype) for p in paths], axis=place)
