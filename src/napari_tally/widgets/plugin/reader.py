"""Open files in napari as calibrated layers in world coordinates, one for each channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import InputError, sentence
from ...files import format_of, list_pyramids, list_series, read
from ...files.formats.format import ending
from ...files.formats.label_dtype import smallest
from ...files.formats.voxel_size import logger
from ...geometry.orientation import upright
from ..layers.placement import geometry_of_volume, is_rgb, mark_placed

if TYPE_CHECKING:
    from napari.types import LayerData

    from ...core.volume import Volume
    from ...files.formats.format import Pyramid

_LABEL_TYPES = ("uint8", "uint16", "uint32", "int32")
_COLOURS = ("cyan", "magenta", "yellow", "red", "green", "blue")
_TWO = ("magenta", "green")


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Return a reader for the formats that this plugin reads better than napari, else None.

    Several files are accepted only if they are DICOM slices, which stand for their folder.
    """
    paths = [path] if isinstance(path, str) else path
    found = format_of(Path(paths[0]))
    if found is None or not found.napari_reads or (len(paths) > 1 and not found.slices):
        return None
    if ending(Path(paths[0]), found.suffixes) and not ending(Path(paths[0]), found.napari_reads):
        return None  # napari reads this suffix of the format
    return read_layers


def read_layers(path: str | list[str]) -> list[LayerData]:
    """Return the layers of a file or folder: all series of DICOM, labels beside their image."""
    place = Path(path if isinstance(path, str) else path[0])
    found = format_of(place)
    if found is not None and found.list_pyramids is not None:
        pyramids = list_pyramids(place)
        return [layer for p in pyramids for layer in layers_of(p.levels, _colours_of(p))]
    listed = list_series(place) if place.is_dir() else []
    if len(listed) < 2:
        return layers_of([read(place)])
    layers: list[LayerData] = []
    for series in listed:
        try:
            volume = read(place, series=series.key)
        except InputError as error:  # such as a localizer: the other series are still useful
            logger.warning("%s, series %s: %s", place.name, series.key, sentence(error))
            continue
        name = f"{place.name} {series.key} {series.text.partition(',')[0]}".rstrip()
        layers += layers_of([replace(volume, name=name)], visible=not layers)
    if not layers:
        raise InputError(f"{place.name} has no DICOM series that forms a volume")
    return layers


def layers_of(
    volumes: list[Volume], colours: Sequence[str] | None = None, *, visible: bool = True
) -> list[LayerData]:
    """Return the layers of a volume, given at one or several levels, the finest first.

    Parameters
    ----------
    volumes : list of Volume
        The same image, each half as large as the one before.
    colours : sequence of str, optional
        A colormap for each channel.
    visible : bool
        Whether the layers are visible at first.
    """
    volumes = [upright(volume) for volume in volumes]
    first = volumes[0]
    if first.is_labels:
        return [(_data([_ids(v) for v in volumes]), _look(first, visible), "labels")]
    if is_rgb(first):
        return [(_data(volumes), {**_look(first, visible), "rgb": True}, "image")]
    if "C" not in first.axes:
        look = {**_look(first, visible), "colormap": (colours or ["gray"])[0]}
        return [(_data(volumes), {**look, **_limits(volumes[-1])}, "image")]
    chosen = colours or _default_colours(len(first.channels))
    layers: list[LayerData] = []
    for index, (channel, colour) in enumerate(zip(first.channels, chosen, strict=True)):
        planes = [v.at("C", index) for v in volumes]
        look = {**_look(planes[0], visible), "colormap": colour, "blending": "additive"}
        look |= {"name": f"{first.name} {channel}", **_limits(planes[-1])}
        layers.append((_data(planes), look, "image"))
    return layers


def _colours_of(pyramid: Pyramid) -> Sequence[str] | None:
    """Return the colours of a file if there is one for each channel."""
    fits = len(pyramid.colours) == len(pyramid.levels[0].channels)
    return pyramid.colours if pyramid.colours and fits else None


def _data(volumes: list[Volume]) -> Any:
    arrays = [volume.array for volume in volumes]
    return arrays if len(arrays) > 1 else arrays[0]


def _limits(volume: Volume) -> dict[str, Any]:
    """Return the range of the first, middle and last plane of an image that is read lazily.

    napari takes that of the plane at 0, which an image elsewhere in the world does not have.
    """
    array = volume.array
    if isinstance(array, np.ndarray) or array.dtype in (bool, np.uint8):
        return {}
    places = {tuple(int(part * (n - 1)) for n in array.shape[:-2]) for part in (0, 0.5, 1)}
    values = np.stack([np.asarray(array[place]) for place in places])
    values = values[np.isfinite(values)]
    if not values.size or values.min() == values.max():
        return {}
    return {"contrast_limits": (float(values.min()), float(values.max()))}


def _ids(volume: Volume) -> Volume:
    """Return labels as integers: some files store them as floats."""
    if volume.array.dtype.kind in "iu":
        return volume
    return replace(volume, array=smallest(np.asarray(volume.array), _LABEL_TYPES))


def _default_colours(count: int) -> list[str]:
    cycle = ("gray",) if count == 1 else _TWO if count == 2 else _COLOURS
    return [cycle[i % len(cycle)] for i in range(count)]


def _look(volume: Volume, visible: bool) -> dict[str, Any]:
    look = {"name": volume.name, "visible": visible, "metadata": mark_placed(volume)}
    return {**look, **geometry_of_volume(volume)}
