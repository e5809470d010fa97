"""Opening files in napari: calibrated layers, at their place, a channel each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import InputError, sentence
from ...files import format_of, list_series, read
from ...files.formats.label_dtype import smallest
from ...files.formats.ome_zarr import levels
from ...files.formats.ome_zarr_group import Node
from ...files.formats.voxel_size import logger
from ...geometry.orientation import upright
from ..layers.placement import geometry_of_volume, is_rgb, mark_placed

if TYPE_CHECKING:
    from napari.types import LayerData

    from ...core.volume import Volume

_OURS = ("NIfTI", "DICOM", "NRRD or MetaImage", "OME-Zarr", "microscope")
_LABEL_TYPES = ("uint8", "uint16", "uint32", "int32")
_COLOURS = ("cyan", "magenta", "yellow", "red", "green", "blue")
_TWO = ("magenta", "green")


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Return a reader for what ours reads better than others; None for all else.

    Several files are ours only if they are slices of DICOM: they stand for their folder.
    """
    paths = [path] if isinstance(path, str) else path
    found = format_of(Path(paths[0]))
    if found is None or found.name not in _OURS or (len(paths) > 1 and found.name != "DICOM"):
        return None
    return read_layers


def read_layers(path: str | list[str]) -> list[LayerData]:
    """Return the layers of a file or folder: all series of DICOM, labels beside their image."""
    place = Path(path if isinstance(path, str) else path[0])
    found = format_of(place)
    if found is not None and found.name == "OME-Zarr":
        return _zarr_layers(place)
    listed = list_series(place) if place.is_dir() else []
    if len(listed) < 2:
        return layers_of([read(place)])
    layers: list[LayerData] = []
    for series in listed:
        try:
            volume = read(place, series=series.key)
        except InputError as error:  # a localizer, say: the other series are still of use
            logger.warning("%s, series %s: %s", place.name, series.key, sentence(error))
            continue
        name = f"{place.name} {series.key} {series.text.partition(',')[0]}".rstrip()
        layers += layers_of([replace(volume, name=name)], visible=not layers)
    if not layers:
        raise InputError(f"A series that makes a volume is needed in {place.name}", "none")
    return layers


def layers_of(
    volumes: list[Volume], colours: list[str] | None = None, *, visible: bool = True
) -> list[LayerData]:
    """Return the layers of a volume, given at one or several levels, the finest first.

    Parameters
    ----------
    volumes : list of Volume
        The same image, each half as large as the one before.
    colours : list of str, optional
        A colormap a channel.
    visible : bool
        Whether the layers are shown at first.
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


def _zarr_layers(path: Path) -> list[LayerData]:
    """Return the layers of an image and of its labels."""
    node = Node.opened(path)
    image = node.chosen(None)
    volumes = levels(image.path)
    named = [replace(v, name=path.name) for v in volumes]
    colours = [f"#{channel.get('color', 'FFFFFF')}" for channel in image.channels]
    count = len(volumes[0].channels) or 1
    several = count > 1 and len(set(colours)) > 1 and len(colours) == count
    layers = layers_of(named, colours if several else None)
    for series in image.series[1:]:
        volumes = levels(image.path, series=series.key)
        name = f"{path.name} {series.key.rpartition('/')[2]}"
        layers += layers_of([replace(v, name=name, is_labels=True) for v in volumes])
    return layers


def _data(volumes: list[Volume]) -> Any:
    arrays = [volume.array for volume in volumes]
    return arrays if len(arrays) > 1 else arrays[0]


def _limits(volume: Volume) -> dict[str, Any]:
    """Return the range of the first, middle and last plane of what is read lazily.

    napari looks at the plane at 0, which an image that lies elsewhere in the world has not.
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
    """Return labels as whole numbers: some files have them as real ones."""
    if volume.array.dtype.kind in "iu":
        return volume
    return replace(volume, array=smallest(np.asarray(volume.array), _LABEL_TYPES))


def _default_colours(count: int) -> list[str]:
    cycle = ("gray",) if count == 1 else _TWO if count == 2 else _COLOURS
    return [cycle[i % len(cycle)] for i in range(count)]


def _look(volume: Volume, visible: bool) -> dict[str, Any]:
    look = {"name": volume.name, "visible": visible, "metadata": mark_placed(volume)}
    return {**look, **geometry_of_volume(volume)}
