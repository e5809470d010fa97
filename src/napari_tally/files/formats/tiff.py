"""TIFF: OME-TIFF, ImageJ hyperstacks and plain pages, read and written through tifffile."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ...core.errors import FileError, InputError, TallyError
from ...core.volume import AXES, SPATIAL, Volume
from .axis_order import given_axes, restored
from .format import Format
from .integrity import check_data, check_imagej, check_tiff
from .series import Series, place_of
from .tiff_write import RGB, write
from .voxel_size import Metadata, logger, read_metadata, spacing_of

SUFFIXES = (".tif", ".tiff", ".ome.tif", ".ome.tiff")
_COLOURS = (*RGB, "alpha")
# What tifffile and its codecs raise on damaged or unknown data.
_BROKEN = (
    ArithmeticError, AssertionError, LookupError, OSError, RuntimeError, TypeError, ValueError,
    struct.error,
)  # fmt: skip


@dataclass(frozen=True)
class _Pages:
    """The pixels of a file with the axis letters of tifffile, which knows more than TCZYX."""

    array: NDArray[Any]
    letters: str
    colour: bool
    metadata: Metadata


def list_series(path: Path) -> list[Series]:
    """Return the images of a TIFF."""
    check_tiff(path)
    try:
        with tifffile.TiffFile(path) as tif:
            sizes = [(s.name, " x ".join(map(str, s.shape)) + f" {s.axes}") for s in tif.series]
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    return [
        Series(str(n), f"{name}, {size}" if name else size)
        for n, (name, size) in enumerate(sizes, 1)
    ]


def read(path: Path, *, axes: str | None = None, series: str | None = None) -> Volume:
    """Read one image of a TIFF, the largest if none is chosen.

    Axes of length 1 are dropped, samples become the channels red, green, blue and alpha, and
    pages of unknown meaning are Z. A resolution for printing is not a calibration.

    Parameters
    ----------
    path : Path
        OME-TIFF, ImageJ hyperstack or plain TIFF, BigTIFF too.
    axes : str, optional
        Letters of TCZYX to use instead of the file's.
    series : str, optional
        Number of the image, from 1.

    Raises
    ------
    FileError
        If the file is missing, not a TIFF, truncated or damaged.
    InputError
        If the axes are unclear or do not fit, or the pixels are complex numbers.
    """
    check_tiff(path)
    pages = _load(path, series)
    if pages.array.dtype.kind not in "buif":
        raise InputError(
            f"{path.name} has pixels of {pages.array.dtype}, not integers or floats",
            hint="Convert them to their absolute values" if pages.array.dtype.kind == "c" else "",
        )
    if axes is None:
        volume = _with_own_axes(_squeezed(pages), path.name)
    else:
        volume = _with_given_axes(pages, axes, path.name)
    return replace(volume, array=np.ascontiguousarray(volume.array))


def header(path: Path) -> Volume:
    """Return what `read` does without reading pixels: they are zeros without memory.

    Raises
    ------
    FileError, InputError
        As `read` does.
    """
    check_tiff(path)
    return _with_own_axes(_squeezed(_load(path, None, voxels=False)), path.name)


def _load(path: Path, chosen: str | None, *, voxels: bool = True) -> _Pages:
    place = None if chosen is None else place_of(list_series(path), chosen, path.name)
    try:
        with tifffile.TiffFile(path) as tif:
            check_imagej(tif, path)
            series = _largest(tif, path.name) if place is None else tif.series[place]
            check_data(series, path)
            metadata = read_metadata(tif, series)
            blank = np.broadcast_to(np.zeros((), series.dtype), series.shape)
            array = np.asarray(series.asarray()) if voxels else blank
            colour = int(series.keyframe.photometric) in (2, 6)  # RGB, YCbCr
            letters = series.axes
        if len(letters) != array.ndim:
            raise ValueError(f"axes {letters}, but shape {array.shape}")
    except TallyError:
        raise
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    return _Pages(native, letters, colour, metadata)


def _unreadable(path: Path, error: Exception) -> FileError:
    return FileError(f"The TIFF {path} cannot be read ({error})")


def _largest(tif: tifffile.TiffFile, name: str) -> tifffile.TiffPageSeries:
    """Return the series with most pixels per plane, the first of equal ones."""
    sizes = [math.prod(n for n, a in zip(s.shape, s.axes, strict=True) if a in "YX")
             for s in tif.series]  # fmt: skip
    best = sizes.index(max(sizes))
    if len(sizes) > 1:
        logger.warning("%s holds %d images; only number %d is read.", name, len(sizes), best + 1)
    return tif.series[best]


def _squeezed(pages: _Pages) -> _Pages:
    keep = [a in "YX" or n > 1 for a, n in zip(pages.letters, pages.array.shape, strict=True)]
    shape = [n for n, kept in zip(pages.array.shape, keep, strict=True) if kept]
    letters = "".join(a for a, kept in zip(pages.letters, keep, strict=True) if kept)
    return _Pages(pages.array.reshape(shape), letters, pages.colour, pages.metadata)


def _with_given_axes(pages: _Pages, axes: str, name: str) -> Volume:
    """Return the image with the user's axes; each keeps its voxel size in the file."""
    if len(axes.strip()) != pages.array.ndim:
        pages = _squeezed(pages)
    axes = given_axes(axes, pages.array.shape, name, pages.letters)
    letters = pages.letters.translate(str.maketrans("QI", "ZZ"))
    sizes = {
        new: pages.metadata.sizes[old]
        for old, new in zip(letters, axes, strict=True)
        if old in pages.metadata.sizes and new in SPATIAL
    }
    names = _channel_names(pages, axes)
    return _volume(pages.array, axes, Metadata(sizes, names), name)


def _with_own_axes(pages: _Pages, name: str) -> Volume:
    """Return the image with the file's axes."""
    axes = _known_axes(pages, name)
    names = _channel_names(pages, axes)
    array, order = pages.array, pages.metadata.order
    if set(axes) <= set(order) <= set(AXES):
        array, axes = restored(array, axes, order), order
    return _volume(array, axes, Metadata(pages.metadata.sizes, names), name)


def _known_axes(pages: _Pages, name: str) -> str:
    """Translate the letters of tifffile: samples to C, pages of unknown meaning to Z.

    Raises
    ------
    InputError
        If there are both channels and samples, or axes whose meaning is not known.
    """
    letters, shape = pages.letters, pages.array.shape
    if "S" in letters and "C" in letters:
        raise InputError(
            f"{name} has both a channel and a colour axis: shape {shape} ({letters})",
            hint="Split the channels, or convert the colours to grey",
        )
    axes = letters.replace("S", "C")
    if axes.replace("C", "") in ("QYX", "IYX"):
        axes = axes.replace("Q", "Z").replace("I", "Z")
    if set(axes) - set(AXES) or len(set(axes)) != len(axes) or not set("YX") <= set(axes):
        raise InputError(
            f"The axes {letters} of {name}, of shape {shape}, are ambiguous",
            hint=f"Set them with --axes, such as TZYX, with letters of {AXES}",
        )
    return axes


def _channel_names(pages: _Pages, axes: str) -> tuple[str, ...]:
    """Return the channel names of the file, or those of colours; none if they do not fit."""
    count = pages.array.shape[axes.index("C")] if "C" in axes else 1
    samples = pages.letters.find("S")
    if samples < 0:
        names = pages.metadata.channel_names
        return names if len(names) == count else ()
    alike = pages.colour and axes[samples] == "C" and count in (3, 4)
    return _COLOURS[:count] if alike else ()


def _volume(array: NDArray[Any], axes: str, metadata: Metadata, name: str) -> Volume:
    """Return the volume with Z before Y before X, and its spacing if all of it is known."""
    spots = [i for i, a in enumerate(axes) if a in SPATIAL]
    order = list(range(len(axes)))
    for spot, source in zip(
        spots, sorted(spots, key=lambda i: SPATIAL.index(axes[i])), strict=True
    ):
        order[spot] = source
    axes = "".join(axes[i] for i in order)
    spacing, unit = spacing_of(axes, metadata.sizes, name)
    return Volume(
        array.transpose(order),
        axes,
        spacing,
        unit,
        channel_names=metadata.channel_names,
        name=name,
    )


FORMAT = Format(
    name="TIFF",
    kinds="OME, ImageJ, plain",
    suffixes=SUFFIXES,
    written=SUFFIXES,
    read=read,
    write=write,
    list_series=list_series,
    napari_writes=(".tif", ".ome.tif"),
    keeps="axes, spacing, unit, channel names",
)
