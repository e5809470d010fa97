"""OME-Zarr 0.1 to 0.5: images, labels, plates and what bioformats2raw writes, read lazily."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import TallyError
from .format import Format, Pyramid
from .ome_zarr_group import Node, inside
from .ome_zarr_metadata import colour_of
from .ome_zarr_write import WriteOptions, write
from .voxel_size import logger

if TYPE_CHECKING:
    from ...core.volume import Volume
    from .series import Series

SUFFIXES = (".ome.zarr", ".zarr")
_METADATA = ("zarr.json", ".zgroup", ".zattrs", ".zarray")


def recognizes(path: Path) -> bool:
    """Return whether a path is a Zarr group, or in one."""
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
        If it is not an OME-Zarr, or the axes or the series do not fit.
    """
    return levels(path, axes=axes, series=series)[0]


def levels(path: Path, *, axes: str | None = None, series: str | None = None) -> list[Volume]:
    """Read all levels of an image, the finest one first."""
    node = Node.opened(path).chosen(series)
    return [node.volume(level, axes) for level in range(len(node.multiscale.levels))]


def list_pyramids(path: Path) -> list[Pyramid]:
    """Return an image and its labels, called after the folder and the labels."""
    image = Node.opened(path).chosen(None)
    pyramids = [Pyramid(_named(levels(image.path), path.name), _colours(image))]
    for series in image.series[1:]:
        name = f"{path.name} {series.key.rpartition('/')[2]}"
        try:
            labels = [replace(v, is_labels=True) for v in levels(image.path, series=series.key)]
        except TallyError as error:  # the image is still useful
            logger.warning("%s", error)
            continue
        pyramids.append(Pyramid(_named(labels, name)))
    return pyramids


def _named(volumes: list[Volume], name: str) -> list[Volume]:
    return [replace(volume, name=name) for volume in volumes]


def _colours(image: Node) -> tuple[str, ...]:
    """Return the colours of the channels; none if they are all the same."""
    colours = tuple(f"#{colour_of(channel)}" for channel in image.channels)
    return colours if len(set(colours)) > 1 else ()


FORMAT = Format(
    name="OME-Zarr",
    kinds="0.1 to 0.5",
    suffixes=SUFFIXES,
    written=SUFFIXES,
    read=read,
    write=write,
    write_options=WriteOptions,
    list_series=list_series,
    list_pyramids=list_pyramids,
    recognizes=recognizes,
    folder=True,
    napari_reads=(".zarr",),
    napari_writes=SUFFIXES,
    keeps="axes, spacing, unit, origin, channel names, labels; not the orientation",
    lazy="yes",
)
