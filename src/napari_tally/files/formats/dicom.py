"""DICOM: the slices of a series as one volume; pixels through SimpleITK, tags through pydicom.

Nothing about the patient leaves this module: no name, number or date.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import FileError, InputError
from ...core.volume import Volume
from .axis_order import given_axes
from .dicom_geometry import sorted_slices, voxel_sizes
from .dicom_headers import SUFFIXES, Slice, is_dicom, listed, slices_in, slices_of
from .format import Format
from .integrity import check_file
from .series import Series, place_of
from .tiff_write import RGB
from .voxel_size import logger, spacing_of

_OVER_TIME = ("IVUS", "RF", "US", "XA")  # frames without a position are a film


def recognizes(path: Path) -> bool:
    """Return whether a file is DICOM, or whether a folder has DICOM files directly in it."""
    if path.is_dir():
        return any(is_dicom(p) for p in path.iterdir() if p.is_file())
    return is_dicom(path)


def list_series(path: Path) -> list[Series]:
    """Return the series of images in a folder, or the one to which a file belongs."""
    if not path.is_dir():
        return [series for series, _ in listed(slices_of(path))]
    images = _images(slices_in(path, quiet=True), path.name, quiet=True)
    return [series for series, _ in listed(images)]


def read(path: Path, *, axes: str | None = None, series: str | None = None) -> Volume:
    """Read a series as (Z, Y, X), from its folder or from any of its files.

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
    slices = _chosen(path, series)
    name = path.name
    _check_sizes(slices, name)
    frames = len(slices)
    if all(plane.position and plane.directions for plane in slices):
        slices, affine, notes = sorted_slices(slices, name)
        for note in notes:
            logger.warning("%s: %s.", name, note)
        file_axes = "YX" if affine is None else "ZYX"
    else:
        affine, file_axes = None, "YX" if frames == 1 else "ZYX"
        if frames > 1 and slices[0].modality in _OVER_TIME:
            file_axes = "TYX"
    array = _pixels(slices)
    array = array[0] if file_axes == "YX" else array
    colours = array.ndim > len(file_axes)
    file_axes += "C" * colours
    if axes is not None:
        given = given_axes(axes, array.shape, name, file_axes)
        affine = affine if given == file_axes else None
        file_axes = given
    sizes = voxel_sizes(slices, affine)
    spacing, unit = spacing_of(file_axes, sizes, name)
    names = (*RGB, "alpha")[: array.shape[-1]] if colours else ()
    return Volume(array, file_axes, spacing, unit, None if spacing is None else affine, names, name)


def _chosen(path: Path, series: str | None) -> list[Slice]:
    """Return the planes of the chosen series."""
    if path.is_dir():
        groups = listed(_images(slices_in(path), path.name))
        return groups[place_of([s for s, _ in groups], series, path.name, None)][1]
    check_file(path)
    own = slices_of(path)
    if not own or not all(own[0].shape):
        raise FileError(f"{path} is not a DICOM file with an image")
    if series is not None:
        return _chosen(path.parent, series)
    if len(own) > 1 or not own[0].position:
        return own
    return [plane for plane in slices_in(path.parent) if _same_series(plane, own[0])]


def _same_series(plane: Slice, own: Slice) -> bool:
    """Return whether a plane belongs to the series of a file."""
    return (plane.series, plane.modality, plane.captured) == (
        own.series,
        own.modality,
        own.captured,
    ) and bool(plane.position)


def _images(slices: list[Slice], name: str, *, quiet: bool = False) -> list[Slice]:
    """Return the planes of images, and log which other kinds of files were left out."""
    images = [plane for plane in slices if plane.image]
    taken = [plane for plane in images if not plane.captured] or images
    if not taken:
        raise FileError(f"The folder {name} has no DICOM images")
    ids = {plane.path for plane in taken}
    left = {plane.path: "captured picture" if plane.image else plane.modality or "other"
            for plane in slices if plane.path not in ids}  # fmt: skip
    if left and not quiet:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(left.values()).items()))
        logger.info("%s: skipped files that are not images: %s.", name, kinds)
    return taken


def _check_sizes(slices: list[Slice], name: str) -> None:
    files = len({plane.path for plane in slices})
    if files > 1 and any(plane.frame for plane in slices):
        raise InputError(
            f"{name} has {files} files, of which some hold several slices",
            hint="Choose one of the files",
        )
    shapes = sorted({plane.shape for plane in slices})
    if len(shapes) > 1:
        text = " and ".join(f"{columns} x {rows}" for rows, columns in shapes)
        raise InputError(
            f"The slices of {name} have different sizes: {text}",
            hint="If they belong to two series, sort them into folders",
        )


def _pixels(slices: list[Slice]) -> Any:
    """Return the planes in their order, (N, Y, X) or (N, Y, X, C), each read lazily."""
    first = _decoded(slices[0].path)
    if len({plane.path for plane in slices}) == 1:
        return first[[plane.frame for plane in slices]]
    import dask
    import dask.array as da

    whole = len({plane.rescale for plane in slices}) == 1
    dtype = first.dtype if whole else np.dtype(np.float32)
    later = dask.delayed(_decoded, pure=True)
    planes = [
        da.from_delayed(later(plane.path, first.shape, dtype), first.shape, dtype)
        for plane in slices
    ]
    return da.concatenate(planes)


def _decoded(
    path: Path, shape: tuple[int, ...] | None = None, dtype: np.dtype[Any] | None = None
) -> NDArray[Any]:
    """Return the rescaled pixels of one file, (frames, Y, X) or (frames, Y, X, C)."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        array: NDArray[Any] = SimpleITK.GetArrayFromImage(reader.Execute())
    except RuntimeError:
        raise FileError(
            f"The DICOM file {path} is damaged or has no image", hint="Copy or export it again"
        ) from None  # GDCM's message may quote the file
    if shape is not None and array.shape != shape:
        raise FileError(f"{path} has pixels of shape {array.shape}, but other slices have {shape}")
    return array if dtype is None else array.astype(dtype, copy=False)


FORMAT = Format(
    name="DICOM",
    suffixes=SUFFIXES,
    read=read,
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
