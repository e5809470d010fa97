"""Image files: disk to volume and back, one format a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import FileError, InputError
from .formats import bioio, dicom, itk, nifti, ome_zarr, raster, tiff
from .formats.format import Format, ending

if TYPE_CHECKING:
    import os

    from ..core.volume import Volume
    from .formats.series import Series

# In the order of napari's dialog for saving; the first one is what it saves by default.
FORMATS: list[Format] = [
    nifti.FORMAT,
    itk.FORMAT,
    dicom.FORMAT,
    ome_zarr.FORMAT,
    tiff.FORMAT,
    raster.FORMAT,
    bioio.FORMAT,
]


def register(added: Format) -> Format:
    """Add a format; one of the same name makes way."""
    remove(added.name)
    FORMATS.append(added)
    return added


def remove(name: str) -> None:
    """Take the format of that name out again, if there is one."""
    FORMATS[:] = [f for f in FORMATS if f.name != name]


def format_of(path: Path) -> Format | None:
    """Return the format of a file by its name, else (folders too) by its content."""
    longest = max(FORMATS, key=lambda f: len(ending(path, f.suffixes)))
    if ending(path, longest.suffixes) and not path.is_dir():
        return longest
    return next((f for f in FORMATS if f.recognizes is not None and f.recognizes(path)), None)


def readable(path: Path) -> bool:
    """Return whether a file has the suffix of a format."""
    return any(ending(path, f.suffixes) for f in FORMATS)


def stem(path: Path) -> str:
    """Return the name of a file without the suffixes of its format: `brain` of `brain.nii.gz`."""
    suffix = max((ending(path, f.suffixes) for f in FORMATS), key=len)
    return path.name[: -len(suffix)] if suffix else path.stem if path.is_file() else path.name


def result_suffix(path: Path) -> str:
    """Return the suffix of labels of an image: its own, if that keeps their affine, else `.tif`.

    Labels of an image with an affine in a format that is not written (DICOM) are NIfTI.
    """
    found = format_of(path)
    if found is None or not found.keeps_affine:
        return ".tif"
    return ending(path, found.written) or ".nii.gz"


def written_suffixes() -> tuple[str, ...]:
    """Return the suffixes of all formats that are written."""
    return tuple(s for f in FORMATS for s in f.written)


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
    found = _format_of_existing(path)
    if found.list_series is not None:
        return found.read(path, axes=axes, series=series)
    if series is not None:
        raise InputError(
            f"There is no series {series!r} in {path.name}: {found.name} files hold one image",
            hint="Leave the series out",
        )
    return found.read(path, axes=axes)


def write(volume: Volume, path: str | os.PathLike[str], **options: Any) -> None:
    """Write an image with its axes, spacing, unit, orientation and channel names.

    The file is written beside its target and then renamed, so that it is complete or not there.

    Parameters
    ----------
    volume : Volume
    path : path
        Its suffix chooses the format. A path in an OME-Zarr, `image.ome.zarr/labels/NAME`, adds
        labels to the image.
    **options
        Those of the format: `zarr_version` ("0.4" or "0.5") of an OME-Zarr.

    Raises
    ------
    FileError
        If the folder cannot be written or the suffix is of no format that is written.
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
    path = Path(path).expanduser()
    named = [f for f in FORMATS if ending(path, f.written)]
    around = [f for f in FORMATS if f.folder and f.recognizes is not None and f.recognizes(path)]
    for each in named or around:  # labels go into the folder of their image
        if each.write is not None:
            options = each.checked_options(options)
            each.check_installed()
            return each.write(volume, path, **options)
    raise _unknown(path, written_suffixes(), "written")


def _format_of_existing(path: Path) -> Format:
    found = format_of(path)
    if found is not None:
        if path.exists():  # that a file is missing matters more than that a package is
            found.check_installed()
        return found
    if path.is_dir():
        raise FileError(
            f"The folder {path} is not an image",
            hint="Name its files, or read them as one image: --stack Z (in Python: read_stack)",
        )
    raise _unknown(path, tuple(s for f in FORMATS for s in f.suffixes), "read")


def _unknown(path: Path, suffixes: tuple[str, ...], done: str) -> FileError:
    return FileError(
        f"{path} has no suffix of an image format", hint=f"Formats {done}: {', '.join(suffixes)}"
    )
