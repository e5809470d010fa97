"""NIfTI: images of the brain and body with their affine, through nibabel."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import FileError, InputError
from ...core.volume import Volume
from .axis_order import ORDER, given_axes, restored, squeezed
from .format import Format
from .guarded import GuardedSource
from .integrity import check_file
from .nifti_write import COMMENT, KEY, LABEL_INTENT, write
from .tiff_write import RGB
from .voxel_size import logger, spacing_of
from .world_coordinates import from_ras, in_plane, lengths, usable

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header, Nifti1Image

SUFFIXES = (".nii", ".nii.gz")
_VECTOR_INTENTS = (
    1005,
    1006,
    1007,
    1008,
    2003,
    2004,
)  # several numbers per voxel, including colours
_SECONDS = (8, 16, 24)  # xyzt_units: s, ms, µs
_UNITS = {1: "m", 2: "mm", 3: "um"}
_SPATIAL_BITS, _TIME_BITS = 0x07, 0x38
_BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error)


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
    image = _opened(path)
    header, noted = image.header, _noted(image.header)
    array, file_axes = _voxels(image, path)
    if axes is not None:
        file_axes = given_axes(axes, array.shape, path.name, file_axes)
    else:
        array, file_axes = _as_written(array, file_axes, str(noted.get("axes", "")))
    spacing, unit, affine = _geometry(_as_stored(image, path), file_axes, path.name)
    names = tuple(map(str, noted.get("channel_names", ())))
    count = array.shape[file_axes.index("C")] if "C" in file_axes else 1
    if array.dtype == np.uint8 and file_axes.endswith("XC"):
        names = RGB[:count]
    return Volume(
        array,
        file_axes,
        spacing,
        unit,
        affine,
        names if len(names) == count else (),
        path.name,
        is_labels=int(header["intent_code"]) == LABEL_INTENT,
    )


def _opened(path: Path) -> Nifti1Image:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    check_file(path)
    try:
        image = nibabel.load(path)
    except (*_BROKEN, ImageFileError, HeaderDataError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(image, nibabel.Nifti1Image) or 0 in image.shape or len(image.shape) < 2:
        raise FileError(f"{path} is not a NIfTI file with an image")
    return image


def _as_stored(image: Nifti1Image, path: Path) -> Nifti1Header:
    """Return the header before nibabel replaces sizes of 0 by 1."""
    from nibabel.openers import ImageOpener

    with ImageOpener(path) as file:
        return type(image.header).from_fileobj(file, check=False)


def _unreadable(path: Path, error: Exception) -> FileError:
    reason = " ".join(str(error).split())
    return FileError(
        f"The NIfTI file {path} is damaged ({reason})", hint="Copy or download it again"
    )


def _voxels(image: Nifti1Image, path: Path) -> tuple[Any, str]:
    """Return the scaled voxels and their axes, without T and C of length 1."""
    kind = image.get_data_dtype()
    if kind.names is None and kind.kind not in "biuf":
        raise InputError(f"{path.name} has voxels of {kind}, not integers or floats")
    try:
        array = _scaled(image, path)
    except (*_BROKEN, AttributeError) as error:
        raise _unreadable(path, error) from error
    if kind.names is not None:  # colours as one record per voxel
        array = np.asarray(array)
        colours = np.stack([array[name] for name in kind.names], -1).squeeze()
        return colours.swapaxes(0, -2), "ZYXC"[-colours.ndim :]
    letters, clear = _letters(image.header)
    array, axes = squeezed(array.transpose(), letters, "ZYX")
    order = "".join(a for a in ORDER if a in axes)
    if "C" in axes and not clear:
        logger.warning(
            "%s: the header does not define the fourth axis; it is read as channels. "
            "If it is time, set the axes to %s.", path.name, order.replace("C", "T"),
        )  # fmt: skip
    return restored(array, axes, order), order


def _as_written(array: Any, axes: str, order: str) -> tuple[Any, str]:
    """Restore the order of axes noted by our own writer, if it fits."""
    if not set("YX") <= set(order) <= set(ORDER):
        return array, axes
    small, left = squeezed(array, axes)
    return (restored(small, left, order), order) if set(left) <= set(order) else (array, axes)


def _scaled(image: Nifti1Image, path: Path) -> Any:
    """Return the voxels (X, Y, Z, ...): mapped or in a Dask array if not compressed."""
    proxy = image.dataobj
    stored = image.get_data_dtype()
    if proxy.slope == 1 and proxy.inter == 0 and stored.isnative:
        return np.asanyarray(proxy)
    dtype = stored.newbyteorder("=")
    if (proxy.slope, proxy.inter) != (1, 0):
        short = stored.itemsize <= (4 if stored.kind == "f" else 2)
        dtype = np.dtype(np.float32 if short else np.float64)
    if path.suffix.lower() != ".nii":
        return np.asarray(proxy).astype(dtype, copy=False)
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


def _geometry(
    header: Nifti1Header, axes: str, name: str
) -> tuple[tuple[float, ...] | None, str, NDArray[np.float64] | None]:
    """Return spacing, unit and affine; none of them if the header is invalid."""
    world, coded = _world(header, name)
    sizes = lengths(world) if world is not None else tuple(map(float, header["pixdim"][1:4]))
    unit = _UNITS.get(int(header["xyzt_units"]) & _SPATIAL_BITS)
    if unit is None and not coded and set(sizes) == {1.0}:
        return None, "px", None  # an empty header
    if unit is None:
        logger.warning("%s: the header gives no unit of length; taken to be mm.", name)
    unit = unit or "mm"
    by_axis = {a: (size, unit) for a, size in zip("XYZ", sizes, strict=True)}
    spacing, unit = spacing_of(axes, by_axis, name)
    if spacing is None or world is None:
        return spacing, unit, None
    affine = from_ras(world)
    return spacing, unit, affine if "Z" in axes else in_plane(affine)


def _world(header: Nifti1Header, name: str) -> tuple[NDArray[np.float64] | None, bool]:
    """Return the sform, else the qform, if it is valid; and whether the header has one at all."""
    from nibabel.spatialimages import HeaderDataError

    forms = []
    for get in (header.get_sform, header.get_qform):
        try:
            forms.append(get(coded=True)[0])
        except (HeaderDataError, ValueError, np.linalg.LinAlgError):
            forms.append(np.zeros((4, 4)))
    given = [form for form in forms if form is not None]
    good = [form for form in given if usable(form)]
    if given and not good:
        logger.warning(
            "%s: the affine is zero or not a number; the orientation is not known.", name
        )
    return (good[0] if good else None), bool(given)


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
    written=SUFFIXES,
    read=read,
    write=write,
    napari_reads=(".nii", ".nii.gz"),
    napari_writes=(".nii.gz", ".nii"),
    keeps_affine=True,
    keeps="unit, time or channels, channel names, labels",
    lazy="`.nii`",
)
