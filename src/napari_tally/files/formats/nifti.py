"""NIfTI: images of the brain and body with their affine, through nibabel."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import FileError, InputError, printable
from ...core.volume import Volume
from .axis_order import ORDER, given_axes, restored, squeezed
from .claimed_size import check_claimed_size
from .format import Format
from .guarded import GuardedSource
from .integrity import check_file
from .label_map import is_label_map
from .nifti_geometry import geometry
from .nifti_write import COMMENT, KEY, LABEL_INTENT, write
from .tiff_write import RGB
from .undecoded import Undecoded, decoded
from .voxel_size import logger

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header, Nifti1Pair

SUFFIXES = (".nii", ".nii.gz", ".hdr")
WRITTEN = (".nii", ".nii.gz")
_VECTOR_INTENTS = (
    1005,
    1006,
    1007,
    1008,
    2003,
    2004,
)  # several numbers per voxel, including colours
_SECONDS = (8, 16, 24)  # xyzt_units: s, ms, µs
_TIME_BITS = 0x38
_BROKEN = (
    OSError, EOFError, ValueError, LookupError, TypeError, ArithmeticError, struct.error, zlib.error
)  # fmt: skip


def read(path: Path, *, axes: str | None = None) -> Volume:
    """Read a NIfTI as (Z, Y, X), or as (T, C, Z, Y, X) without the axes that it lacks.

    The affine is the header's sform, else its qform; without either the orientation is not known.
    A fourth axis is time if the header gives it a unit of time, else channels. Voxels are scaled
    by the slope and intercept of the header. A `.nii` is read lazily, a `.nii.gz` at once.

    Parameters
    ----------
    path : Path
        NIfTI-1 or -2, in one file.
    axes : str, optional
        Letters of TCZYX, in the order of the result, to use instead of the header's.

    Raises
    ------
    FileError
        If the file is missing, truncated or not a NIfTI.
    InputError
        If the axes do not fit, or the voxels are complex numbers.
    """
    volume = decoded(read_header(path, axes=axes))
    return replace(volume, is_labels=volume.is_labels or is_label_map(volume))


def read_header(path: Path, *, axes: str | None = None) -> Volume:
    """Return what `read` does, with voxels of compressed files that are not decoded yet."""
    image = _opened(path)
    header, noted = image.header, _noted(image.header)
    order = "" if axes is not None else str(noted.get("axes", ""))

    def arrange(array: Any) -> tuple[Any, str]:
        return _as_written(*_arranged(array, image, path.name), order)

    array, file_axes = _voxels(image, path, arrange)
    if axes is not None:
        file_axes = given_axes(axes, array.shape, path.name, file_axes)
    elif file_axes[:1] == "C" and not _letters(header)[1]:
        logger.warning(
            "%s: the header does not define the fourth axis; it is read as channels. "
            "If it is time, set the axes to %s.", path.name, file_axes.replace("C", "T"),
        )  # fmt: skip
    spacing, unit, affine, forms = geometry(_as_stored(image, path), file_axes, path.name)
    given = noted.get("channel_names", ())
    names = tuple(map(str, given)) if isinstance(given, list) else ()
    count = array.shape[file_axes.index("C")] if "C" in file_axes else 1
    if array.dtype == np.uint8 and file_axes.endswith("XC"):
        names = (*RGB, "alpha")[:count]
    return Volume(
        array,
        file_axes,
        spacing,
        unit,
        affine,
        names if len(names) == count else (),
        path.name,
        is_labels=int(header["intent_code"]) == LABEL_INTENT,
        forms=forms,
    )


def recognizes(path: Path) -> bool:
    """Return whether this is the data file of a pair, whose header is the image to list."""
    return path.suffix.lower() == ".img" and path.with_suffix(".hdr").is_file()


def _opened(path: Path) -> Nifti1Pair:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    check_file(path)
    try:
        image = nibabel.load(path)
    except (*_BROKEN, ImageFileError, HeaderDataError) as error:
        raise _unreadable(path, error) from error
    if isinstance(image, nibabel.AnalyzeImage) and not isinstance(image, nibabel.Nifti1Pair):
        raise InputError(
            f"{path.name} is Analyze 7.5, which does not say which side is left",
            hint="Convert it to NIfTI in the program that wrote it",
        )
    if not isinstance(image, nibabel.Nifti1Pair) or len(image.shape) < 2:
        raise FileError(f"{path} is not a NIfTI file with an image")
    try:
        _check_size(image, path)
    except (FileError, *_BROKEN) as error:
        raise _unreadable(path, error) from error
    return image


def _check_size(image: Nifti1Pair, path: Path) -> None:
    """Check that the file and the memory hold as many voxels as the header claims."""
    data = Path(image.file_map["image"].filename)
    check_file(data)
    compressed = data.suffix.lower() == ".gz"
    offset = max(int(image.dataobj.offset), 0)
    held = data.stat().st_size - (0 if compressed else offset)
    check_claimed_size(
        path, image.shape, image.get_data_dtype(), compressed=compressed, loaded=compressed,
        held=max(held, 0),
    )  # fmt: skip


def _as_stored(image: Nifti1Pair, path: Path) -> Nifti1Header:
    """Return the header before nibabel replaces sizes of 0 by 1."""
    from nibabel.openers import ImageOpener

    held = image.file_map.get("header", image.file_map["image"]).filename
    with ImageOpener(held or path) as file:
        return type(image.header).from_fileobj(file, check=False)


def _unreadable(path: Path, error: Exception) -> FileError:
    reason = error.problem.replace(str(path), path.name) if isinstance(error, FileError) else error
    return FileError(
        f"The NIfTI file {path} is damaged ({printable(str(reason))})",
        hint="Copy or download it again",
    )


def _voxels(
    image: Nifti1Pair, path: Path, arrange: Callable[[Any], tuple[Any, str]]
) -> tuple[Any, str]:
    """Return the scaled voxels in the order of their axes; those of compressed files undecoded."""
    kind = image.get_data_dtype()
    if kind.names is None and kind.kind not in "biuf":
        raise InputError(f"{path.name} has voxels of {kind}, not integers or floats")
    if Path(image.file_map["image"].filename).suffix.lower() != ".gz":
        try:
            return arrange(_mapped(image, path))
        except (*_BROKEN, AttributeError) as error:
            raise _unreadable(path, error) from error
    dtype = _scaled_dtype(image)
    stand_in, axes = arrange(np.broadcast_to(np.empty((), dtype), image.shape))

    def decode() -> NDArray[Any]:
        try:
            return np.asarray(arrange(np.asarray(image.dataobj).astype(dtype, copy=False))[0])
        except _BROKEN as error:
            raise _unreadable(path, error) from error

    return Undecoded(stand_in.shape, stand_in.dtype, decode), axes


def _arranged(array: Any, image: Nifti1Pair, name: str) -> tuple[Any, str]:
    """Return voxels (X, Y, Z, ...) as (T, C, Z, Y, X) without T and C of length 1."""
    if array.dtype.names is not None:  # colours as one record per voxel
        array = np.asarray(array)
        colours = np.stack([array[part] for part in array.dtype.names], -1).squeeze()
        if colours.ndim not in (3, 4):
            raise InputError(f"{name} has colours of the shape {colours.shape}")
        return colours.swapaxes(0, -2), "ZYXC"[-colours.ndim :]
    array, axes = squeezed(array.transpose(), _letters(image.header)[0], "ZYX")
    order = "".join(a for a in ORDER if a in axes)
    return restored(array, axes, order), order


def _as_written(array: Any, axes: str, order: str) -> tuple[Any, str]:
    """Restore the order of axes noted by our own writer, if it fits."""
    if not set("YX") <= set(order) <= set(ORDER):
        return array, axes
    small, left = squeezed(array, axes)
    return (restored(small, left, order), order) if set(left) <= set(order) else (array, axes)


def _scaled_dtype(image: Nifti1Pair) -> np.dtype[Any]:
    """Return the dtype of the voxels after slope and intercept."""
    proxy = image.dataobj
    stored: np.dtype[Any] = np.dtype(image.get_data_dtype())
    scaled = (proxy.slope, proxy.inter) != (1, 0)
    if stored.names is not None or (not scaled and stored.itemsize <= 8):
        return stored.newbyteorder("=")
    short = scaled and stored.itemsize <= (4 if stored.kind == "f" else 2)
    return np.dtype(np.float32 if short else np.float64)


def _mapped(image: Nifti1Pair, path: Path) -> Any:
    """Return the voxels (X, Y, Z, ...): mapped from the disk, or in a Dask array if scaled."""
    proxy, dtype = image.dataobj, _scaled_dtype(image)
    if (proxy.slope, proxy.inter) == (1, 0) and dtype == image.get_data_dtype():
        return np.asanyarray(proxy)
    import dask.array as da

    given = proxy[(slice(0, 1),) * len(image.shape)].dtype  # nibabel's own choice for scaled ones
    return da.from_array(GuardedSource(proxy, path), meta=np.empty(0, given)).astype(dtype)


def _letters(header: Nifti1Header) -> tuple[str, bool]:
    """Return the axes of the array in reverse order, and whether the header defines them."""
    ndim = len(header.get_data_shape())
    if ndim < 4:
        return "ZYX"[-ndim:], True
    if ndim == 5:
        return "CTZYX", True
    if ndim > 5:
        raise InputError(f"The NIfTI has {ndim} axes, but 5 at most can be read")
    time = int(header["xyzt_units"]) & _TIME_BITS
    vector = int(header["intent_code"]) in _VECTOR_INTENTS
    return ("TZYX" if time in _SECONDS and not vector else "CZYX"), bool(time) or vector


def _noted(header: Nifti1Header) -> dict[str, Any]:
    """Return the notes of our own writer in a comment."""
    for extension in header.extensions:
        if extension.get_code() == COMMENT:
            try:
                noted = json.loads(extension.text)
            except ValueError:
                continue
            if isinstance(noted, dict) and isinstance(noted.get(KEY), dict):
                return dict(noted[KEY])
    return {}


FORMAT = Format(
    name="NIfTI",
    kinds="1 and 2",
    suffixes=SUFFIXES,
    written=WRITTEN,
    read=read,
    read_header=read_header,
    recognizes=recognizes,
    write=write,
    napari_reads=(".nii", ".nii.gz"),
    napari_writes=(".nii.gz", ".nii"),
    keeps_affine=True,
    keeps="unit, time or channels, channel names, labels",
    lazy="`.nii`",
)
