"""FreeSurfer's MGH and MGZ: images of the brain with their affine, through nibabel."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import FileError, printable
from ...core.volume import Volume
from .axis_order import given_axes, squeezed
from .claimed_size import check_claimed_size
from .format import Format
from .integrity import check_file
from .label_map import is_label_map
from .undecoded import Undecoded, decoded
from .voxel_size import logger, spacing_of
from .world_coordinates import from_ras, in_plane, lengths, usable

if TYPE_CHECKING:
    from nibabel.freesurfer import MGHImage
    from numpy.typing import NDArray

SUFFIXES = (".mgz", ".mgh")
_DTYPES = {0: "u1", 1: "i4", 3: "f4", 4: "i2"}
_HEADER_BYTES = 284
_BROKEN = (OSError, EOFError, ValueError, LookupError, TypeError, ArithmeticError, zlib.error)


def read(path: Path, *, axes: str | None = None) -> Volume:
    """Read an MGH or MGZ as (Z, Y, X) in mm; a fourth axis as channels.

    Parameters
    ----------
    path : Path
    axes : str, optional
        Letters of TCZYX, in the order of the result, to use instead.

    Raises
    ------
    FileError
        If the file is missing, damaged or larger than the memory.
    InputError
        If the axes do not fit.
    """
    volume = decoded(read_header(path, axes=axes))
    return replace(volume, is_labels=is_label_map(volume))


def read_header(path: Path, *, axes: str | None = None) -> Volume:
    """Return what `read` does, with voxels that are not decoded yet."""
    image = _opened(path)
    dtype = image.get_data_dtype().newbyteorder("=")
    stand_in = np.broadcast_to(np.empty((), dtype), image.shape)
    shaped, file_axes = squeezed(stand_in.transpose(), "CZYX"[-len(image.shape) :], "ZYX")
    if axes is not None:
        file_axes = given_axes(axes, shaped.shape, path.name, file_axes)
    elif file_axes == "CZYX":
        text = "%s: the fourth axis is read as channels. If it is time, set the axes to TZYX."
        logger.warning(text, path.name)

    def decode() -> NDArray[Any]:
        try:
            voxels = np.asarray(image.dataobj).astype(dtype, copy=False)
        except _BROKEN as error:
            raise _unreadable(path, error) from error
        return voxels.transpose().reshape(shaped.shape)

    world = np.asarray(image.affine, float)
    known = bool(image.header["goodRASFlag"]) and usable(world)
    sizes = lengths(world) if known else tuple(map(float, image.header.get_zooms()[:3]))
    by_axis = {a: (size, "mm") for a, size in zip("XYZ", sizes, strict=True)}
    spacing, unit = spacing_of(file_axes, by_axis, path.name)
    affine = from_ras(world) if known and spacing is not None else None
    if affine is not None and "Z" not in file_axes:
        affine = in_plane(affine)
    array = Undecoded(shaped.shape, np.dtype(dtype), decode)
    return Volume(array, file_axes, spacing, unit, affine, name=path.name)


def _opened(path: Path) -> MGHImage:
    from nibabel.freesurfer import MGHImage
    from nibabel.spatialimages import HeaderDataError

    check_file(path)
    try:
        _check_size(path)  # nibabel looks for what follows the voxels, through all of them
        return MGHImage.from_filename(path)
    except (*_BROKEN, HeaderDataError) as error:
        raise _unreadable(path, error) from error


def _check_size(path: Path) -> None:
    """Check that the file and the memory hold as many voxels as the header claims."""
    compressed = path.suffix.lower() == ".mgz"
    with gzip.open(path) if compressed else path.open("rb") as file:
        _, *shape, kind = np.frombuffer(file.read(24), ">i4").tolist()
    if kind not in _DTYPES:
        raise ValueError(f"its type of voxels is {kind}")
    held = path.stat().st_size - (0 if compressed else _HEADER_BYTES)
    check_claimed_size(path, shape, _DTYPES[kind], compressed=compressed, held=max(held, 0))


def _unreadable(path: Path, error: Exception) -> FileError:
    reason = error.problem.replace(str(path), path.name) if isinstance(error, FileError) else error
    return FileError(
        f"The MGH file {path} is damaged ({printable(str(reason))})",
        hint="Copy or download it again",
    )


FORMAT = Format(
    name="FreeSurfer",
    kinds="MGH, MGZ",
    suffixes=SUFFIXES,
    read=read,
    read_header=read_header,
    napari_reads=SUFFIXES,
    keeps_affine=True,
    keeps="labels",
)
