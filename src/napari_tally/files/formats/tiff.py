"""TIFF: OME-TIFF, ImageJ hyperstacks, slides and plain pages, through tifffile."""

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
from .guarded import guarded
from .integrity import check_data, check_imagej, check_tiff
from .ome_set import COMPANION, OmeSet
from .series import Series, place_of
from .tiff_planes import Planes
from .tiff_write import RGB, write
from .turned import STORED_AS_SHOWN, TAG, swaps, turned
from .voxel_size import Metadata, from_imagej, logger, read_metadata, spacing_of

WRITTEN = (".tif", ".tiff", ".ome.tif", ".ome.tiff")
_MORE = (".btf", ".lsm", ".ndpi", ".svs")
SUFFIXES = (*WRITTEN, *_MORE)
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
    """Return the images of a TIFF, or of the recording that it belongs to."""
    if _is_companion(path):
        return _series_of(OmeSet.of_companion(path))
    check_tiff(path)
    try:
        with _opened(path) as tif:
            recording = OmeSet.of_tiff(tif, path, strict=False)
            if recording is not None and not recording.simple():
                return _series_of(recording)
            if (stopped := _stopped(tif, path)) is not None:
                return [Series("1", " x ".join(map(str, stopped[0].shape)) + " TZC")]
            sizes = [(s.name, " x ".join(map(str, s.shape)) + f" {s.axes}") for s in tif.series]
    except TallyError:
        raise
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    return [
        Series(str(n), f"{name}, {size}" if name else size)
        for n, (name, size) in enumerate(sizes, 1)
    ]


def same_image(path: Path) -> set[Path]:
    """Return the files whose planes form one image with those of a TIFF, with the TIFF itself.

    Of a file that cannot be read it is that file: reading it gives the reason.
    """
    if not path.name.lower().endswith((".ome.tif", ".ome.tiff")):
        return {path}
    try:
        with guarded(path), _opened(path) as tif:
            if "<UUID" not in (tif.ome_metadata or "") and ":UUID" not in (tif.ome_metadata or ""):
                return {path}
            recording = OmeSet.of_tiff(tif, path, strict=False)
            own = [] if recording is None else recording.own()
            if recording is not None and len(own) == 1:
                return recording.images[own[0]].planes.files() | {path}
    except TallyError:
        return {path}
    return {path}


def _series_of(recording: OmeSet) -> list[Series]:
    return [Series(str(n), image.text()) for n, image in enumerate(recording.images, 1)]


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
    pages = _load(path, series, axes)
    return replace(
        (volume := _volume_of(pages, path, axes)), array=np.ascontiguousarray(volume.array)
    )


def read_header(
    path: Path, *, axes: str | None = None, series: str | None = None, as_shown: bool = True
) -> Volume:
    """Return what `read` does without reading pixels: they are zeros without memory.

    Without `as_shown`, an orientation tag is left out, as napari's own reader does.

    Raises
    ------
    FileError, InputError
        As `read` does.
    """
    pages = _load(path, series, axes, voxels=False, as_shown=as_shown)
    return _volume_of(pages, path, axes)


def _volume_of(pages: _Pages, path: Path, axes: str | None) -> Volume:
    if pages.array.dtype.kind not in "buif":
        raise InputError(
            f"{path.name} has pixels of {pages.array.dtype}, not integers or floats",
            hint="Convert them to their absolute values" if pages.array.dtype.kind == "c" else "",
        )
    if axes is None:
        return _with_own_axes(_squeezed(pages), path.name)
    return _with_given_axes(pages, axes, path.name)


def _is_companion(path: Path) -> bool:
    return path.name.lower().endswith(COMPANION)


def _load(
    path: Path, chosen: str | None, axes: str | None, *, voxels: bool = True, as_shown: bool = True
) -> _Pages:
    """Return the pixels of one image; they are turned as their orientation tag says."""
    if _is_companion(path):
        return _recorded(OmeSet.of_companion(path), chosen, voxels)
    check_tiff(path)
    try:
        with _opened(path) as tif:
            check_imagej(tif, path)
            recording = OmeSet.of_tiff(tif, path, strict=axes is None)
            if recording is not None and not recording.simple():
                return _recorded(recording, chosen, voxels)
            if (stopped := _stopped(tif, path)) is not None:
                return _assembled(*stopped, path, voxels)
            pages, orientation = _stored(tif, path, chosen, voxels)
    except TallyError:
        raise
    except _BROKEN as error:
        raise _unreadable(path, error) from error
    return _turned(pages, orientation, path.name) if as_shown else pages


def _opened(path: Path) -> tifffile.TiffFile:
    """Open a TIFF; one that is only called NDPI has classic offsets."""
    tif = tifffile.TiffFile(path)
    if path.suffix.lower() != ".ndpi" or tif.series:
        return tif
    tif.close()
    return tifffile.TiffFile(path, is_ndpi=False)


def _stored(
    tif: tifffile.TiffFile, path: Path, chosen: str | None, voxels: bool
) -> tuple[_Pages, int]:
    """Return an image as tifffile finds it, and its orientation tag."""
    place = None if chosen is None else place_of(list_series(path), chosen, path.name)
    series = _largest(tif, path.name) if place is None else tif.series[place]
    check_data(series, path, loaded=voxels)
    metadata = read_metadata(tif, series)
    blank = np.broadcast_to(np.zeros((), series.dtype), series.shape)
    array = np.asarray(series.asarray()) if voxels else blank
    letters = series.axes
    if len(letters) != array.ndim:
        raise ValueError(f"axes {letters}, but shape {array.shape}")
    tag = series.keyframe.tags.get(TAG)
    shown = series.kind != "ome"  # OME-XML names X and Y
    orientation = tag.value if tag is not None and shown else STORED_AS_SHOWN
    colour = _in_colour(series.keyframe)
    return _Pages(_native(array), letters, colour, metadata), orientation


def _turned(pages: _Pages, orientation: int, name: str) -> _Pages:
    sizes = dict(pages.metadata.sizes)
    if swaps(orientation):
        swapped = {"X": "Y", "Y": "X"}
        sizes = {swapped.get(a, a): size for a, size in sizes.items()}
    array = turned(pages.array, orientation, pages.letters, name)
    return replace(pages, array=array, metadata=replace(pages.metadata, sizes=sizes))


def _recorded(recording: OmeSet, chosen: str | None, voxels: bool) -> _Pages:
    """Return an image of a recording: the one that the named file is part of."""
    path, images, own = recording.path, recording.images, recording.own()
    if not own:
        raise FileError(
            f"The OME-XML of {path} names other files, and none of them is there",
            hint="Put the files of the recording into one folder, under their own names",
        )
    best = max(own, key=lambda n: math.prod(images[n].size))
    if chosen is not None:
        best = place_of(_series_of(recording), chosen, path.name)
    elif len(own) > 1:
        text = "%s holds %d images; only number %d is read."
        logger.warning(text, path.name, len(own), best + 1)
    return _assembled(images[best].planes, images[best].metadata, path, voxels)


def _assembled(planes: Planes, metadata: Metadata, path: Path, voxels: bool) -> _Pages:
    array, letters, page = planes.read(path, voxels=voxels)
    kept, names = planes.kept(), metadata.channel_names
    if "C" in planes.axes and len(names) == planes.shape[planes.axes.index("C")]:
        names = tuple(names[c] for c in kept[planes.axes.index("C")])
    metadata = replace(metadata, channel_names=names)
    return _Pages(_native(array), planes.axes + letters, _in_colour(page), metadata)


def _stopped(tif: tifffile.TiffFile, path: Path) -> tuple[Planes, Metadata] | None:
    """Return the planes of a stack of ImageJ that has fewer pages than it claims; else None."""
    noted = tif.imagej_metadata if tif.is_imagej else None
    count = len(tif.pages)
    if not noted or not int(noted.get("images", 1)) > count > 1:
        return None
    shape = tuple(int(noted.get(name, 1)) for name in ("frames", "slices", "channels"))
    if math.prod(shape) != int(noted["images"]):
        return None
    found = {tuple(map(int, np.unravel_index(n, shape))): (path, n) for n in range(count)}
    page = tif.pages.first
    return Planes("TZC", shape, found), from_imagej(noted, page, path.name)


def _native(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _in_colour(page: tifffile.TiffPage) -> bool:
    return int(page.photometric) in (2, 6)  # RGB, YCbCr


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
    kinds="OME, ImageJ, LSM, SVS, NDPI, plain",
    suffixes=SUFFIXES,
    written=WRITTEN,
    read_header=read_header,
    recognizes=_is_companion,
    same_image=same_image,
    napari_reads=(".btf", ".companion.ome", ".ndpi", ".svs"),
    read=read,
    write=write,
    list_series=list_series,
    napari_writes=(".tif", ".ome.tif"),
    keeps="axes, spacing, unit, channel names",
)
