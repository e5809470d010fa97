"""DICOM: the slices of a series as one volume; pixels through SimpleITK, tags through pydicom.

Nothing about the patient leaves this module: no name, number or date.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...core.errors import FileError
from ...core.volume import Volume
from .axis_order import given_axes
from .dicom_file import SUFFIXES, DamagedDicomError, is_dicom
from .dicom_geometry import NoVolumeError, Placed, placed
from .dicom_headers import report_damaged, slices_in, slices_of
from .dicom_pixels import PALETTE, dtype_of, read_planes
from .dicom_series import check_series, images_of, listed, look_note, same_series, spacing_note
from .format import Format
from .integrity import check_file
from .series import Series, place_of
from .tiff_write import RGB
from .undecoded import Undecoded, decoded
from .voxel_size import logger, spacing_of

if TYPE_CHECKING:
    import numpy as np

    from .dicom_slice import Slice


_DIRECTORY = "DICOMDIR"  # lists the files of a disc


def recognizes(path: Path) -> bool:
    """Return whether a file is DICOM, or whether a folder has DICOM files directly in it."""
    if path.is_dir():
        return any(is_dicom(p) for p in path.iterdir() if p.is_file() and p.name != _DIRECTORY)
    return is_dicom(path)


def list_series(path: Path) -> list[Series]:
    """Return the series of images in a folder, or the one to which a file belongs."""
    if not path.is_dir():
        check_file(path)
        return [series for series, _ in listed(slices_of(path))]
    return [series for series, _ in listed(images_of(_slices(path)[0], path.name, quiet=True))]


def _slices(folder: Path) -> tuple[list[Slice], list[DamagedDicomError]]:
    """Return the planes of a folder, and damages; raise one of these if there is no image."""
    planes, damages = slices_in(folder)
    if damages and not any(plane.image for plane in planes):
        raise damages[0]
    return planes, damages


def read(path: Path, *, axes: str | None = None, series: str | None = None) -> Volume:
    """Read a series as (Z, Y, X), from its folder or from any of its files.

    Several time points that are complete are read as (T, Z, Y, X).

    Slices are sorted by position, and their positions give the spacing of Z. Voxels are rescaled
    (Hounsfield units). Slices are read lazily.

    Parameters
    ----------
    path : Path
        A folder, or a file: then its own series, or just the file if it has no position.
    axes : str, optional
        Letters of TCZYX to use instead.
    series : str, optional
        Which series of a folder, by its number in the list.

    Raises
    ------
    FileError
        If there is no image, or a file is damaged.
    InputError
        If there are several series and none was chosen, or the slices of one make no volume:
        some are missing, duplicate, or of another orientation or size.
    """
    return decoded(read_header(path, axes=axes, series=series))


def read_header(path: Path, *, axes: str | None = None, series: str | None = None) -> Volume:
    """Return what `read` does, with pixels that are not decoded yet."""
    name = path.name
    slices = _chosen(path, series)
    check_series(slices, name)
    try:
        found = placed(slices, name)
    except NoVolumeError as error:
        if path.is_dir() or len({plane.path for plane in slices}) == 1:
            raise
        logger.warning("%s: read as one slice. %s.", name, error.problem)
        found = placed(slices_of(path), name)
    notes = [*found.notes, look_note(found.slices), spacing_note(found.slices)]
    for text in filter(None, notes):
        logger.warning("%s: %s.", name, text)
    array, file_axes, affine = _pixels(found), found.axes, found.affine
    colours = len(array.shape) > len(file_axes)
    file_axes += "C" * colours
    if axes is not None:
        given = given_axes(axes, array.shape, name, file_axes)
        affine = affine if given == file_axes else None
        file_axes = given
    spacing, unit = spacing_of(file_axes, found.sizes, name)
    names = (*RGB, "alpha")[: array.shape[-1]] if colours else ()
    return Volume(array, file_axes, spacing, unit, None if spacing is None else affine, names, name)


def _chosen(path: Path, series: str | None) -> list[Slice]:
    """Return the planes of the chosen series."""
    if path.is_dir():
        planes, damaged = _slices(path)
        groups = listed(images_of(planes, path.name))
        chosen = groups[place_of([s for s, _ in groups], series, path.name, None)][1]
        report_damaged(damaged, chosen[0].series, path.name)
        return chosen
    check_file(path)
    own = slices_of(path)
    if not own or not all(own[0].shape):
        directory = "Open the folder of a series that it lists" if path.name == _DIRECTORY else ""
        raise FileError(f"{path} is not a DICOM file with an image", hint=directory)
    if series is not None:
        return _chosen(path.parent, series)
    if len(own) > 1 or not own[0].position:
        return own
    planes, damaged = slices_in(path.parent)
    report_damaged(damaged, own[0].series, path.name)
    return same_series(planes, own[0])


def _pixels(found: Placed) -> Any:
    """Return the planes in their order, each file read lazily; those of one file undecoded."""
    slices, times = found.slices, found.times
    first, dtype = slices[0].pixels, dtype_of(slices)
    samples = 3 if first.look == PALETTE else first.samples
    plane = slices[0].shape + ((samples,) if samples > 1 else ())
    stack = {"YX": (), "TZYX": (times, len(slices) // times)}.get(found.axes, (len(slices),))
    if len({each.path for each in slices}) > 1:
        return _lazily(slices, plane, dtype).reshape(*stack, *plane)
    order, path = [each.frame for each in slices], slices[0].path
    by_frame = {each.frame: each.rescale for each in slices}
    rescales = [by_frame.get(frame, (1.0, 0.0)) for frame in range(first.frames)]

    def decode() -> NDArray[Any]:
        planes = read_planes(path, first, rescales, (first.frames, *plane), dtype)
        return planes[order].reshape(*stack, *plane)

    return Undecoded((*stack, *plane), dtype, decode)


def _lazily(slices: list[Slice], plane: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Return planes of several files as a Dask array."""
    import dask
    import dask.array as da

    later = dask.delayed(read_planes, pure=True)
    shape = (1, *plane)
    planes = [
        da.from_delayed(later(each.path, each.pixels, [each.rescale], shape, dtype), shape, dtype)
        for each in slices
    ]
    return da.concatenate(planes)


FORMAT = Format(
    name="DICOM",
    suffixes=SUFFIXES,
    read=read,
    read_header=read_header,
    list_series=list_series,
    recognizes=recognizes,
    slices=True,
    napari_reads=SUFFIXES,
    packages=("pydicom", "SimpleITK"),
    extra="dicom",
    keeps_affine=True,
    keeps="Hounsfield units",
    lazy="yes",
)
