"""Read and write image files."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import FileError, InputError
from ..core.user_path import user_path
from .formats import bioio, dicom, itk, mgh, nifti, ome_zarr, raster, tiff
from .formats.cityscapes_ids import is_instances, objects_of
from .formats.format import Format, ending
from .formats.guarded import guarded
from .formats.label_picture import one_id_per_pixel
from .formats.right_angles import check_right_angles

if TYPE_CHECKING:
    import os

    from ..core.volume import Volume
    from .formats.format import Pyramid
    from .formats.series import Series

# In the order of napari's save dialog, whose default is the first one.
FORMATS: list[Format] = [
    nifti.FORMAT,
    itk.FORMAT,
    mgh.FORMAT,
    dicom.FORMAT,
    ome_zarr.FORMAT,
    tiff.FORMAT,
    raster.FORMAT,
    bioio.FORMAT,
]


def register(added: Format) -> Format:
    """Add a format; it replaces one of the same name."""
    remove(added.name)
    FORMATS.append(added)
    return added


def remove(name: str) -> None:
    """Remove the format of that name, if there is one."""
    FORMATS[:] = [f for f in FORMATS if f.name != name]


def format_of(path: Path) -> Format | None:
    """Return the format of a file or folder, by its suffix or else its content."""
    longest = max(FORMATS, key=lambda f: len(ending(path, f.suffixes)))
    if ending(path, longest.suffixes) and not path.is_dir():
        return longest
    if _special(path):
        return None
    return next((f for f in FORMATS if f.recognizes is not None and f.recognizes(path)), None)


def _special(path: Path) -> bool:
    """Return whether this is a named pipe, a socket or a device: opening one may never return."""
    return path.exists() and not path.is_file() and not path.is_dir()


def readable(path: Path) -> bool:
    """Return whether a file has the suffix of a known format."""
    return any(ending(path, f.suffixes) for f in FORMATS)


def stem(path: Path) -> str:
    """Return the name of a file without the suffixes of its format: `brain` of `brain.nii.gz`."""
    suffix = max((ending(path, f.suffixes) for f in FORMATS), key=len)
    return path.name[: -len(suffix)] if suffix else path.stem if path.is_file() else path.name


def result_suffix(path: Path) -> str:
    """Return the suffix for the labels of an image: its own if the format has an affine, or `.tif`.

    Labels of images in a read-only format with an affine (DICOM) are written as NIfTI.
    """
    file_format = format_of(path)
    if file_format is None or not file_format.keeps_affine:
        return ".tif"
    return ending(path, file_format.written) or ".nii.gz"


def written_suffixes() -> tuple[str, ...]:
    """Return the suffixes of all formats that can be written."""
    return tuple(s for f in FORMATS for s in f.written)


def list_series(path: str | os.PathLike[str]) -> list[Series]:
    """Return the images that a file or folder holds, of which `read` returns one.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another format.
    """
    path = user_path(path)
    with guarded(path):
        file_format = _format_of_existing(path)
        return [] if file_format.list_series is None else file_format.list_series(path)


def list_pyramids(path: str | os.PathLike[str]) -> list[Pyramid]:
    """Return an image and its labels at all their resolutions; empty if the format has none.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another format.
    """
    path = user_path(path)
    with guarded(path):
        file_format = _format_of_existing(path)
        return [] if file_format.list_pyramids is None else file_format.list_pyramids(path)


def read(
    path: str | os.PathLike[str],
    *,
    axes: str | None = None,
    series: str | None = None,
    labels: bool = False,
) -> Volume:
    """Read an image, or labels, with axes, spacing, unit, orientation and channel names.

    Parameters
    ----------
    path : path
        A file (or folder) of one of the `FORMATS`.
    axes : str, optional
        One letter of TCZYX per axis. Default: read from the file.
    series : str, optional
        Which image of a file or folder with several; `list_series` lists them.
    labels : bool
        Whether ids are wanted, not intensities: those of a picture with a palette are its indices,
        and equal red, green and blue are one id.

    Raises
    ------
    FileError
        If the file is missing, damaged or of another format; also later, when a part of an image
        that is read lazily cannot be decoded.
    InputError
        If its axes are ambiguous or do not fit, there is no such series, or labels are wanted and
        it holds colours.

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
    path = user_path(path)
    with guarded(path):
        volume = _read(path, _format_of_existing(path), axes, series, labels)
        check_right_angles(volume)
        if labels and is_instances(path):
            return replace(volume, array=objects_of(np.asarray(volume.array))[0], is_labels=True)
        return one_id_per_pixel(volume) if labels else volume


def read_header(
    path: str | os.PathLike[str], *, axes: str | None = None, series: str | None = None
) -> Volume:
    """Return what `read` does, with pixels that are not decoded where the header suffices.

    Raises
    ------
    FileError, InputError
        As `read` does.
    """
    path = user_path(path)
    with guarded(path):
        found = _format_of_existing(path)
        if found.read_header is None or (series is not None and found.list_series is None):
            return _read(path, found, axes, series, labels=False)
        options = {} if found.list_series is None else {"series": series}
        return check_right_angles(found.read_header(path, axes=axes, **options))


def _read(
    path: Path, file_format: Format, axes: str | None, series: str | None, labels: bool
) -> Volume:
    if file_format.list_series is not None:
        return file_format.read(path, axes=axes, series=series)
    if series is not None:
        raise InputError(
            f"There is no series {series!r} in {path.name}: {file_format.name} files hold one image"
        )
    wanted = file_format.read_labels if labels else None
    return (wanted or file_format.read)(path, axes=axes)


def write(volume: Volume, path: str | os.PathLike[str], **options: Any) -> None:
    """Write an image with its axes, spacing, unit, orientation and channel names.

    The file is written under a temporary name and then renamed, so that it is never incomplete.

    Parameters
    ----------
    volume : Volume
    path : path
        Its suffix chooses the format. A path in an OME-Zarr, `image.ome.zarr/labels/NAME`, adds
        labels to the image.
    **options
        Options of the format: `zarr_version` ("0.4" or "0.5") of OME-Zarr.

    Raises
    ------
    FileError
        If the folder cannot be written, or the suffix is not of a format that can be written.
    InputError
        If the format cannot hold the image, or has no such option.

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
    path = user_path(path)
    named = [f for f in FORMATS if ending(path, f.written)]
    around = [f for f in FORMATS if f.folder and f.recognizes is not None and f.recognizes(path)]
    for each in named or around:  # labels go into the OME-Zarr of their image
        if each.write is not None:
            options = each.checked_options(options)
            each.check_installed()
            return each.write(volume, path, **options)
    raise _unknown(path, written_suffixes(), "written")


def _format_of_existing(path: Path) -> Format:
    if _special(path):
        raise FileError(f"{path} is a named pipe, a socket or a device, not an image file")
    file_format = format_of(path)
    if file_format is not None:
        if path.exists():  # report a missing file rather than a missing package
            file_format.check_installed()
        return file_format
    if path.is_dir():
        inside = _image_folder(path)
        choose = "Choose a file in it, or stack its files with --stack Z (in Python: read_stack)"
        raise FileError(
            f"The folder {path} is not an image",
            hint=choose if inside is None else f"Folders in it are images, such as {inside}",
        )
    raise _unknown(path, tuple(s for f in FORMATS for s in f.suffixes), "read")


def _image_folder(path: Path) -> Path | None:
    """Return a folder in a folder that is an image (a DICOM series, an OME-Zarr)."""
    patterns = ("*", "*/*", "*/*/*", "*/*/*/*")  # a disc has patients, studies and series
    found = (p for pattern in patterns for p in islice(path.glob(pattern), 500) if p.is_dir())
    return next((folder for folder in sorted(islice(found, 200)) if format_of(folder)), None)


def _unknown(path: Path, suffixes: tuple[str, ...], done: str) -> FileError:
    return FileError(
        f"The image format of {path} is not supported",
        hint=f"Formats that can be {done}: {', '.join(suffixes)}",
    )
