"""Image layers as calibrated volumes, and the geometry that result layers inherit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import InputError, TallyError
from ...core.quantity import Quantity, canonical_unit, parse_quantity
from ...core.volume import AXES, SPATIAL, Volume, guess_axes
from ...files.formats import tiff

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

WHOLE, VISIBLE, SLICE = "whole image", "visible part", "current slice"
REGIONS = (WHOLE, VISIBLE, SLICE)
PLUGIN = "napari-tally"  # key in the metadata of a layer
_SPACING, _AXES = "spacing", "axes"
_GUESSES = {4: "TZYX", 5: "TCZYX"}


def axes_of(layer: Image) -> str:
    """Return the axes of a layer's array, from its axis labels, its file or its shape.

    Raises
    ------
    InputError
        If it has more axes than T, C, Z, Y and X.
    """
    known = known_axes(layer)
    if known:
        return known
    shape = tuple(first_level(layer).shape)
    ndim = len(shape) - layer.rgb
    if layer.rgb:
        return guess_axes(shape[:-1], layer.name) + "C" if ndim < 4 else _many(shape[:-1]) + "C"
    if ndim == 3 and canonical_unit(str(layer.units[0])):
        return "ZYX"  # an axis with a length is no channel
    return guess_axes(shape, layer.name) if ndim < 4 else _many(shape)


def known_axes(layer: Image | Labels) -> str:
    """Return the axes that the axis labels, a dock or the file of a layer give; "" if none does."""
    colours = "C" if getattr(layer, "rgb", False) else ""
    noted = layer.metadata.get(PLUGIN, {}).get(_AXES, "")
    for letters in (spelled_axes(layer), noted):
        fits = len(set(letters)) == len(letters) == layer.ndim and set(letters) <= set(AXES)
        if fits and letters.endswith("YX"):
            return f"{letters}{colours}"
    header = file_header(layer)
    return "" if header is None else header.axes


def spelled_axes(layer: Image | Labels) -> str:
    """Return the first letter of each axis label."""
    return "".join(str(label).strip()[:1].upper() for label in layer.axis_labels)


def spell_axes(layer: Image | Labels, axes: str) -> None:
    """Set the axis labels of a layer that do not spell its axes, for all that is made from it."""
    drawn = axes.removesuffix("C") if getattr(layer, "rgb", False) else axes
    if len(drawn) == layer.ndim > 2 and spelled_axes(layer) != drawn:
        layer.axis_labels = tuple(drawn.lower())


def axis_labels_for(layer: Image | Labels, axes: str) -> tuple[str, ...]:
    """Return axis labels for a layer of these axes: those of a layer if they spell them."""
    return layer.axis_labels if spelled_axes(layer) == axes else tuple(axes.lower())


def _many(shape: tuple[int, ...]) -> str:
    if len(shape) == 4 and shape[0] <= 4:
        return "CZYX"
    if len(shape) not in _GUESSES:
        raise InputError(
            f"An image of shape {shape} has more axes than {AXES}", hint="Choose a part of it"
        )
    return _GUESSES[len(shape)]


def first_level(layer: Image) -> Any:
    """Return the array of a layer, the finest one of a multiscale layer."""
    return layer.data[0] if layer.multiscale else layer.data


def calibration_of(layer: Image | Labels, axes: str) -> tuple[tuple[float, ...] | None, str]:
    """Return the spacing and unit of the spatial axes, or (None, "px") without calibration.

    An uncalibrated layer takes the spacing from a dock (`note_geometry`), else from its file.
    """
    spacing, unit = own_calibration(layer, axes)
    if spacing is not None:
        return spacing, unit
    noted = layer.metadata.get(PLUGIN, {}).get(_SPACING)
    if noted is None and np.allclose(layer.scale, 1):
        header = file_header(layer)
        noted = None if header is None else (header.spacing, header.unit)
    if noted is None or noted[0] is None or len(noted[0]) != sum(a in SPATIAL for a in axes):
        return None, "px"
    return tuple(noted[0]), noted[1]


def note_geometry(volume: Volume) -> dict[str, Any]:
    """Return metadata for a layer derived from a volume: its axes without channels and spacing."""
    known = {} if volume.spacing is None else {_SPACING: (volume.spacing, volume.unit)}
    return {_AXES: volume.axes.replace("C", ""), **known}


def file_header(layer: Image | Labels) -> Volume | None:
    """Return the header of the TIFF file of a layer, as a volume without voxels.

    napari does not read axes and voxel size from it. None if the layer has no such file, or it
    was replaced since.
    """
    path = Path(layer.source.path or "")
    is_tiff = any(path.name.lower().endswith(suffix) for suffix in tiff.SUFFIXES)
    if not is_tiff or not path.is_file():
        return None
    header = _header(path, path.stat().st_mtime_ns)
    if header is None or header.shape != tuple(first_level(layer).shape):
        return None
    return header if header.axes.endswith("YXC" if getattr(layer, "rgb", False) else "YX") else None


@lru_cache(maxsize=64)
def _header(path: Path, _changed_ns: int) -> Volume | None:
    try:
        return tiff.read_header(path, as_shown=False)
    except TallyError:  # the file was replaced since napari read it
        return None


def own_calibration(layer: Image | Labels, axes: str) -> tuple[tuple[float, ...] | None, str]:
    """Return the spacing and unit from a layer's scale and units, or (None, "px").

    All axes are converted to the unit of X.
    """
    drawn = axes.removesuffix("C") if getattr(layer, "rgb", False) else axes
    units = [canonical_unit(str(u)) for u in layer.units]
    pairs = [(s, u) for s, u, a in zip(layer.scale, units, drawn, strict=True) if a in "ZYX"]
    unit = pairs[-1][1]
    if unit is None or any(u is None for _, u in pairs):
        return None, "px"
    return tuple(Quantity((abs(float(s)),), u or unit).to(unit)[0] for s, u in pairs), unit


def volume_of(layer: Image, axes: str | None = None) -> Volume:
    """Return a layer's array and geometry as a volume; nothing is read or copied."""
    axes = axes or axes_of(layer)
    array = first_level(layer)
    names = ("red", "green", "blue", "alpha")[: array.shape[-1]] if layer.rgb else ()
    volume = Volume(array, axes, channel_names=names, name=layer.name)  # checks the axes
    spacing, unit = calibration_of(layer, axes)
    return replace(volume, spacing=spacing, unit=unit)


def spacing_text(volume: Volume) -> str:
    """Return the voxel size as one writes it, "0.5,0.26,0.26um", or "" without calibration."""
    if volume.spacing is None:
        return ""
    return ",".join(f"{s:.6g}" for s in volume.spacing) + volume.unit


def with_typed_spacing(volume: Volume, text: str) -> Volume:
    """Return a volume with the voxel size typed in a form; itself if that is empty or the same."""
    text = text.strip()
    if not text or text == spacing_text(volume):
        return volume
    return volume.with_spacing(parse_quantity(text))


@dataclass(frozen=True)
class Region:
    """A part of an image: where it starts and ends along each axis of the array."""

    cuts: tuple[slice, ...]

    @classmethod
    def of(cls, viewer: ViewerModel, layer: Image, axes: str, name: str) -> Region:
        """Return the named part at the current slice and view, with all channels."""
        shape = first_level(layer).shape
        cuts = [slice(0, n) for n in shape]
        if name != WHOLE:
            drawn = shape[: layer.ndim]
            for axis, cut in enumerate(shown(viewer, layer, drawn, whole_plane=name == SLICE)):
                if axes[axis] != "C":
                    cuts[axis] = cut
        return cls(tuple(cuts))

    def cut(self, volume: Volume) -> Volume:
        """Return that part of a volume."""
        if self.is_whole(volume.shape):
            return volume
        affine = volume.affine
        if affine is not None:
            starts = self.starts(volume.axes)
            affine = affine.copy()
            affine[:-1, -1] += affine[:-1, :-1] @ [starts[a] for a in volume.spatial_axes]
        return replace(volume, array=volume.array[self.cuts], affine=affine)

    def is_whole(self, shape: tuple[int, ...]) -> bool:
        return self.cuts == tuple(slice(0, n) for n in shape)

    def starts(self, axes: str) -> dict[str, int]:
        """Return the first index along each axis."""
        return {a: cut.start for a, cut in zip(axes, self.cuts, strict=True)}

    def shifted(self, table: pd.DataFrame, volume: Volume) -> pd.DataFrame:
        """Return a table of this part with coordinates in the whole image."""
        table = table.copy()
        for axis, start in self.starts(volume.axes).items():
            low = axis.lower()
            for column in map(str, table.columns):
                if column == low or column.startswith(f"bbox_{low}_"):
                    table[column] += start
                elif column.startswith(f"centroid_{low}_"):
                    sizes = volume.spacing_in(column.rpartition("_")[2])
                    table[column] += start * sizes[volume.spatial_axes.index(axis)]
        return table


def shown(
    viewer: ViewerModel, layer: Image | Labels, shape: tuple[int, ...], *, whole_plane: bool
) -> list[slice]:
    """Return the visible range of each axis of a layer, or its whole plane."""
    displayed = {d - (viewer.dims.ndim - layer.ndim) for d in viewer.dims.displayed}
    here = layer.world_to_data(viewer.dims.point)
    corners = np.asarray(layer.corner_pixels)
    if layer.multiscale:
        corners = corners * np.asarray(layer.downsample_factors[layer.data_level])
    cuts = []
    for axis, size in enumerate(shape):
        if axis not in displayed:
            index = int(np.clip(round(float(here[axis])), 0, size - 1))
            cuts.append(slice(index, index + 1))
        elif whole_plane or viewer.dims.ndisplay == 3:
            cuts.append(slice(0, size))
        else:
            low, high = (int(np.clip(c, 0, size)) for c in (corners[0][axis], corners[1][axis] + 1))
            cuts.append(slice(low, high) if high > low else slice(0, size))
    return cuts


def _kept_labels(layer: Image, drawn: str, kept: list[int]) -> tuple[str, ...]:
    labels = axis_labels_for(layer, drawn)
    return tuple(labels[i] for i in kept)


def geometry_of(layer: Image, axes: str, region: Region) -> dict[str, Any]:
    """Return layer keywords that align labels of a region with the image layer.

    Labels have the layer's axes without channels.
    """
    from napari.utils.transforms import Affine

    drawn = axes.removesuffix("C") if layer.rgb else axes
    kept = [i for i, a in enumerate(drawn) if a != "C"]
    start = np.array([cut.start for cut in region.cuts[: layer.ndim]], float)
    start[[i for i, a in enumerate(drawn) if a == "C"]] = 0
    own = Affine(layer.scale, layer.translate, rotate=layer.rotate, shear=layer.shear)
    grid = np.ix_(kept, kept)
    corner = np.ix_([*kept, layer.ndim], [*kept, layer.ndim])
    geometry = {
        "scale": np.asarray(layer.scale)[kept],
        "translate": np.asarray(own(start))[kept],
        "rotate": np.asarray(layer.rotate)[grid],
        "affine": np.asarray(layer.affine.affine_matrix)[corner],
        "units": tuple(layer.units[i] for i in kept),
        "axis_labels": _kept_labels(layer, drawn, kept),
    }
    if len(kept) == layer.ndim:
        geometry["shear"] = layer.shear
    return geometry
