"""TIFF, through tifffile: OME, ImageJ and plain ones, BigTIFF, compressed, multi-page, RGB."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ..core.errors import FileError, InputError
from ..core.volume import AXES, Volume
from .atomic import replacing
from .tiff_metadata import calibration, channel_names

SUFFIXES = (".tif", ".tiff")
_IMAGEJ_TYPES = (np.uint8, np.uint16, np.float32)
_MOST_IMAGEJ = 2**32 - 2**20  # bytes; beyond, ImageJ's own format has no room for the offsets


def read(path: Path, axes: str | None = None) -> Volume:
    """Read a TIFF; see `files.read`."""
    try:
        with tifffile.TiffFile(path) as file:
            return _volume(file, path, axes)
    except (FileError, InputError):
        raise
    except Exception as error:  # tifffile and its codecs raise many kinds on damaged files
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FileError(
            f"A whole TIFF is needed in {path}", reason, "The file may be damaged, or not be a TIFF"
        ) from error


def write(volume: Volume, path: Path) -> None:
    """Write a TIFF that napari and Fiji open with the same calibration.

    As an ImageJ hyperstack where ImageJ knows the type (uint8, uint16, float32), else (uint32
    labels, more than 4 GB) as OME-TIFF, which Bio-Formats and napari read.
    """
    array = np.asarray(volume.array)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    imagej = array.dtype in _IMAGEJ_TYPES and array.nbytes < _MOST_IMAGEJ
    colour = volume.axes.endswith("YXC") and volume.channel_names[:1] == ("red",)
    colour = colour and array.shape[-1] in (3, 4) and (not imagej or array.dtype == np.uint8)
    array, axes = _in_order(array, volume.axes, "TZCYX" if imagej else "TCZYX", colour)
    spacing = None if volume.spacing is None else volume.spacing_in("um")
    options: dict[str, Any] = {"photometric": "rgb" if colour else "minisblack"}
    if spacing is not None:
        options |= {"resolution": (1 / spacing[-1], 1 / spacing[-2])}
    if imagej:
        options |= {"imagej": True, "metadata": _imagej(volume, array.shape, axes, spacing)}
    else:
        options |= {"ome": True, "compression": "zlib", "metadata": _ome(volume, axes, spacing)}
        options["bigtiff"] = array.nbytes >= _MOST_IMAGEJ
    with replacing(path) as part:
        tifffile.imwrite(part, array, **options)


def _volume(file: tifffile.TiffFile, path: Path, told: str | None) -> Volume:
    if not file.series:
        raise FileError(f"A TIFF with an image is needed in {path}", "one without")
    series = file.series[0]
    _check_whole(file, series, path)
    array, axes = _squeezed(series.asarray(), series.axes.replace("S", "c"), path)
    names = channel_names(file, axes)
    array, axes = _in_order(array, axes.upper(), AXES, "c" in axes)
    if told is not None:
        _check_told(told, axes, array.shape, path)
        names = names if told == axes else ()
        axes = told
    if array.dtype.kind not in "buif":
        raise InputError(f"Real numbers are needed in {path.name}", str(array.dtype))
    spatial = "".join(a for a in axes if a in "ZYX")
    spacing, unit = calibration(file, spatial, path.name)
    return Volume(array, axes, spacing, unit, channel_names=names, name=path.name)


def _check_whole(file: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: Path) -> None:
    """Refuse a file that ends before its data does: tifffile fills up with zeros."""
    size = path.stat().st_size
    ends = [
        o + n
        for page in series.pages
        if page is not None
        for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)
    ]
    if series.dataoffset is not None:
        ends.append(series.dataoffset + series.nbytes)
    planes = prod(series.shape) // max(1, prod(series.keyframe.shape))
    wanted = int((file.imagej_metadata or {}).get("images", planes))
    if max(ends, default=0) > size or planes < wanted:
        raise FileError(
            f"A whole TIFF is needed in {path}",
            f"a truncated one: {size:,} bytes, its data would end at {max(ends):,}",
            "Copy the file again",
        )


def _squeezed(array: NDArray[Any], axes: str, path: Path) -> tuple[NDArray[Any], str]:
    """Drop axes of length 1 and name those that the file does not; "c" is the colours' axis."""
    keep = [i for i, a in enumerate(axes) if array.shape[i] != 1 or a in "YX"]
    array, axes = array.reshape([array.shape[i] for i in keep]), "".join(axes[i] for i in keep)
    if "c" in axes and "C" in axes:
        raise InputError(f"Either channels or colours are needed in {path.name}", f"axes {axes}")
    unknown = [a for a in axes if a not in "TCZYXc"]
    if len(unknown) == 1 and "Z" not in axes:
        axes, unknown = axes.replace(unknown[0], "Z"), []
    if unknown or len(array.shape) != len(axes):
        raise InputError(
            f"Axes of {AXES} are needed for {path.name}",
            f"{axes}, shape {array.shape}",
            "Say which they are with axes, as TZYX",
        )
    return array, axes


def _check_told(told: str, axes: str, shape: tuple[int, ...], path: Path) -> None:
    if len(told) != len(axes):
        raise InputError(
            f"{len(axes)} letters are needed as axes of {path.name}, of shape {shape}", repr(told)
        )


def _in_order(array: NDArray[Any], axes: str, order: str, colour: bool) -> tuple[NDArray[Any], str]:
    """Transpose to an order of axes; colours stay last."""
    wanted = [a for a in order if a in axes and not (colour and a == "C")]
    wanted += ["C"] if colour else []
    return array.transpose([axes.index(a) for a in wanted]), "".join(wanted)


def _imagej(
    volume: Volume, shape: tuple[int, ...], axes: str, spacing: tuple[float, ...] | None
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": axes[:-1] + "S" if axes.endswith("YXC") else axes}
    if spacing is not None:
        metadata["unit"] = "um"
        if len(spacing) == 3:
            metadata["spacing"] = spacing[0]
    if volume.channel_names and not axes.endswith("YXC"):
        planes = {a: n for a, n in zip(axes, shape, strict=True) if a not in "YX"}
        repeats = prod(n for a, n in planes.items() if a != "C")
        metadata["Labels"] = list(volume.channel_names) * repeats
    return metadata


def _ome(volume: Volume, axes: str, spacing: tuple[float, ...] | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": axes[:-1] + "S" if axes.endswith("YXC") else axes}
    for axis, size in zip(reversed(volume.spatial_axes), reversed(spacing or ()), strict=False):
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    if volume.channel_names and not axes.endswith("YXC"):
        metadata["Channel"] = {"Name": list(volume.channel_names)}
    return metadata
