"""OME-Zarr 0.4 and 0.5: images, labels, plates and what bioformats2raw writes, read lazily."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .ome_zarr_group import Node, inside
from .ome_zarr_write import write

if TYPE_CHECKING:
    from ...core.volume import Volume
    from .series import Series

__all__ = ["SUFFIXES", "levels", "list_series", "read", "recognizes", "write"]

SUFFIXES = (".ome.zarr", ".zarr")
_METADATA = ("zarr.json", ".zgroup", ".zattrs", ".zarray")


def recognizes(path: Path) -> bool:
    """Tell whether a path is a Zarr group, or lies in one."""
    named = path.name.lower().endswith(".zarr") or inside(path)
    return named or any((path / name).is_file() for name in _METADATA)


def list_series(path: Path) -> list[Series]:
    """Return the images in a group: an image and its labels, the fields of a plate, ..."""
    return Node.opened(path).series


def read(path: Path, *, axes: str | None = None, series: str | None = None) -> Volume:
    """Read the finest level of an image, or of labels, as a Dask array.

    Parameters
    ----------
    path : Path
        A group; one inside a group, such as `plate.zarr/A/1/0` or `image.zarr/labels/nuclei`, too.
    axes : str, optional
        Letters of TCZYX to use instead.
    series : str, optional
        The path of an image inside the group; needed for plates.

    Raises
    ------
    FileError
        If there is no group, or its metadata are damaged.
    InputError
        If it is not of OME, or the axes or the series do not fit.
    """
    return levels(path, axes=axes, series=series)[0]


def levels(path: Path, *, axes: str | None = None, series: str | None = None) -> list[Volume]:
    """Read all levels of an image, the finest one first."""
    node = Node.opened(path).chosen(series)
    return [node.volume(level, axes) for level in range(len(node.multiscale.datasets))]
