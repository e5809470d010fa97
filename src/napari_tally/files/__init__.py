"""Files: disk to volume and back, one format a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import FileError, InputError
from .formats import bioio, dicom, itk, nifti, ome_zarr, raster, tiff
from .formats.format import Format, ending

if TYPE_CHECKING:
    import os

    from ..core.volume import Volume
    from .formats.series import Series

FORMATS = (
    Format("TIFF", tiff.SUFFIXES, tiff.SUFFIXES, tiff.read, tiff.write, tiff.list_series),
    Format("picture", raster.SUFFIXES, raster.WRITTEN, raster.read, raster.write),
    Format("NIfTI", nifti.SUFFIXES, nifti.SUFFIXES, nifti.read, nifti.write),
    Format(
        "DICOM",
        dicom.SUFFIXES,
        (),
        dicom.read,
        list_series=dicom.list_series,
        recognizes=dicom.recognizes,
    ),
    Format(
        "OME-Zarr",
        ome_zarr.SUFFIXES,
        ome_zarr.SUFFIXES,
        ome_zarr.read,
        ome_zarr.write,
        ome_zarr.list_series,
        ome_zarr.recognizes,
        folder=True,
    ),
    Format("NRRD or MetaImage", itk.SUFFIXES, itk.SUFFIXES, itk.read, itk.write),
    Format("microscope", bioio.SUFFIXES, (), bioio.read, list_series=bioio.list_series),
)


def format_of(path: Path) -> Format | None:
    """Return the format of a file by its name, else (folders too) by what is in it."""
    endings = {f.name: ending(path, f.suffixes) for f in FORMATS}
    longest = max(FORMATS, key=lambda f: len(endings[f.name]))
    if endings[longest.name] and not path.is_dir():
        return longest
    return next((f for f in FORMATS if f.recognizes is not None and f.recognizes(path)), None)


def readable(path: Path) -> bool:
    """Return whether the name of a file says that it can be read."""
    return any(ending(path, f.suffixes) for f in FORMATS)


def stem(path: Path) -> str:
    """Return the name of a file without the suffixes of its format: `brain` of `brain.nii.gz`."""
    suffix = max((ending(path, f.suffixes) for f in FORMATS), key=len)
    return path.name[: -len(suffix)] if suffix else path.stem if path.is_file() else path.name


def list_series(path: str | os.PathLike[str]) -> list[Series]:
    """Return the images that a file or folder holds, of which `read` takes one.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another format.
    """
    path = Path(path).expanduser()
    found = _format_of_existing(path)
    return [] if found.list_series is None else found.list_series(path)


def read(
    path: str | os.PathLike[str], *, axes: str | None = None, series: str | None = None
) -> Volume:
    """Read an image with its axes, spacing, unit, orientation and channel names.

    Parameters
    ----------
    path : path
        A file (or folder) of one of the `FORMATS`.
    axes : str, optional
        One letter of TCZYX an axis, where the file's own are wrong or missing.
    series : str, optional
        Which image of a file or folder that holds several; an error lists them.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another format.
    InputError
        If its axes are unclear or do not fit, or there is no such series.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from napari_tally import Volume, read, write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Volume(np.zeros((4, 5)), "YX", (0.5, 0.5), "um"), f"{folder}/image.tif")
    ...     image = read(f"{folder}/image.tif")
    >>> image.axes, image.shape, image.describe_spacing()
    ('YX', (4, 5), 'Y 0.5 x X 0.5 um')
    """
    path = Path(path).expanduser()
    return _format_of_existing(path).read(path, axes, series)


def write(volume: Volume, path: str | os.PathLike[str], *, zarr_version: str | None = None) -> None:
    """Write an image with its axes, spacing, unit, orientation and channel names.

    The file is written beside its target and then renamed, so that it is whole or not there. Of
    OME-Zarr version 0.4 or 0.5 may be told.

    Raises
    ------
    FileError
        If the folder cannot be written or the suffix is of no format that is written.
    InputError
        If the format cannot hold the image.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from napari_tally import Volume, read, write
    >>> labels = Volume(np.eye(3, dtype=np.uint8), "YX", is_labels=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(labels, f"{folder}/labels.nii.gz")
    ...     read(f"{folder}/labels.nii.gz").is_labels
    True
    """
    path = Path(path).expanduser()
    named = [f for f in FORMATS if ending(path, f.written)]
    inside = [f for f in FORMATS if f.folder and f.recognizes is not None and f.recognizes(path)]
    for each in named or inside:  # labels go into the folder of their image
        if each.writer is ome_zarr.write:
            return ome_zarr.write(volume, path, zarr_version)
        if zarr_version is not None:
            raise InputError("A version is told of an OME-Zarr only", f"{path.name}")
        if each.writer is not None:
            return each.writer(volume, path)
    raise _unknown(path, tuple(s for f in FORMATS for s in f.written))


def _format_of_existing(path: Path) -> Format:
    found = format_of(path)
    if found is not None:
        return found
    if path.is_dir():
        raise FileError(
            "An image is needed",
            f"the folder {path}",
            "Name its files, or read them as one image: --stack Z (in Python: read_stack)",
        )
    raise _unknown(path, tuple(s for f in FORMATS for s in f.suffixes))


def _unknown(path: Path, suffixes: tuple[str, ...]) -> FileError:
    return FileError(f"A file that ends in {', '.join(suffixes)} is needed", str(path))
