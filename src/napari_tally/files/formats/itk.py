"""NRRD and MetaImage (MHA, MHD), the formats of ITK.

They are written by SimpleITK, but read here: ITK drops units, follows data files out of the folder
and ends the process at many a damaged header.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import replacing, replacing_all
from ...core.errors import FileError, InputError, printable
from ...core.quantity import LENGTHS, canonical_unit
from ...core.volume import Volume
from .axis_order import ORDER, arranged, given_axes, restored, squeezed
from .format import Format
from .integrity import check_file
from .itk_pixels import check_pixels, read_pixels
from .label_dtype import numbers_of
from .metaimage_header import read_metaimage
from .nrrd_header import MAGIC, read_nrrd
from .tiff_write import RGB
from .undecoded import Undecoded, decoded
from .voxel_size import logger, spacing_of
from .world_coordinates import affine_of, backwards, in_plane, lengths, usable, with_slices

if TYPE_CHECKING:
    import SimpleITK

    from .itk_header import Header

SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")
WRITTEN = (".nrrd", ".mha", ".mhd")
_KEY = "napari-tally"  # header key of our own writer
_LABEL_TYPES = ("uint8", "uint16", "uint32")
_HINT = "Copy it again, with the data file that an .mhd has beside it"


def read(path: Path, *, axes: str | None = None) -> Volume:
    """Read a NRRD or MetaImage as (Z, Y, X) or (Y, X), channels last, time first.

    Lengths are in the unit of the header, or in mm, as everywhere in ITK. A fourth axis is read as
    channels, unless the header says that it is time.

    Parameters
    ----------
    path : Path
        NRRD, MHA or MHD.
    axes : str, optional
        Letters of TCZYX to use instead of the file's.

    Raises
    ------
    FileError
        If the file is missing, damaged or truncated, or larger than the memory.
    InputError
        If the axes do not fit.
    """
    return decoded(read_header(path, axes=axes))


def read_header(path: Path, *, axes: str | None = None) -> Volume:
    """Return what `read` does, with pixels that are not decoded yet."""
    check_file(path)
    with _explained(path), path.open("rb") as file:
        header = read_nrrd(file) if file.peek(8).startswith(MAGIC) else read_metaimage(file)
        start = file.tell()
        check_pixels(header, path, start)
        if any(not column.any() for column in header.columns):
            raise ValueError("Zero-valued spacing")
    noted = _noted(header)
    pixels = np.broadcast_to(np.empty((), header.dtype.newbyteorder("=")), header.sizes[::-1])
    arranged_pixels, file_axes = _arranged(pixels, header, noted, path.name)
    shape = arranged_pixels.shape
    if axes is not None:
        file_axes = given_axes(axes, shape, path.name, file_axes)
    elif "?" in header.letters and file_axes[0] == "C" and "axes" not in noted:
        logger.warning(
            "%s: the header does not define the fourth axis; it is read as channels. "
            "If it is time, set the axes to %s.", path.name, file_axes.replace("C", "T"),
        )  # fmt: skip
    spacing, unit, affine = _geometry(header, file_axes, str(noted.get("unit", "")), path.name)

    def decode() -> NDArray[Any]:
        with _explained(path):
            return _arranged(read_pixels(header, path, start), header, noted, path.name)[0]

    return Volume(
        Undecoded(shape, pixels.dtype, decode),
        file_axes,
        spacing,
        unit,
        affine,
        _channel_names(header, noted, shape, file_axes),
        path.name,
        bool(noted.get("is_labels")) or _is_segmentation(header),
    )


def write(volume: Volume, path: Path) -> None:
    """Write a NRRD or MetaImage with spacing, origin and direction, compressed.

    The order of the axes, the unit, the channels' names and whether these are labels are noted in
    the header; an `.mhd` gets its data file beside it.

    Raises
    ------
    InputError
        If ITK does not have the dtype.
    FileError
        If the folder cannot be written.
    """
    import SimpleITK

    array = numbers_of(volume, path.name, _LABEL_TYPES)
    held = "T" * ("T" in volume.axes) + ("ZYX" if set("TZ") & set(volume.axes) else "YX")
    vector = "C" in volume.axes
    data = np.ascontiguousarray(arranged(volume, array, held + "C" * vector))
    image = SimpleITK.GetImageFromArray(data, isVector=vector)
    _place(image, volume)
    noted = {
        "axes": volume.axes,
        "unit": volume.unit,
        "channel_names": volume.channel_names,
        "is_labels": volume.is_labels,
    }
    image.SetMetaData(_KEY, json.dumps(noted))
    whole = replacing_all if path.suffix.lower() == ".mhd" else replacing
    with whole(path) as part, _explained(path, "written"):
        SimpleITK.WriteImage(image, str(part), useCompression=True)


def _place(image: SimpleITK.Image, volume: Volume) -> None:
    """Write origin, spacing and direction, in mm."""
    if not volume.calibrated:
        return
    affine = affine_of(volume)
    if len(affine) == 3 and image.GetDimension() > 2:
        affine = with_slices(affine, lengths(affine)[0])
    affine[:-1] *= LENGTHS[volume.unit] / LENGTHS["mm"]
    ndim, whole = len(affine) - 1, image.GetDimension()
    world, direction = backwards(affine), np.eye(whole)
    sizes = lengths(world)
    direction[:ndim, :ndim] = world[:ndim, :ndim] / sizes
    rest = whole - ndim
    image.SetSpacing((*sizes, *(1.0,) * rest))
    image.SetOrigin((*map(float, world[:ndim, ndim]), *(0.0,) * rest))
    image.SetDirection(direction.ravel().tolist())


@contextmanager
def _explained(path: Path, done: str = "read") -> Iterator[None]:
    """Raise what is wrong with a file, and ITK's errors that name its sources, as one sentence."""
    problem = f"The NRRD or MetaImage file {path} cannot be {done}"
    try:
        yield
    except FileError as error:
        reason = error.problem.replace(str(path), path.name)
        raise FileError(f"{problem} ({reason})", hint=error.hint) from error
    except (ValueError, OSError, EOFError, RuntimeError, zlib.error) as error:
        text = str(error).partition("ERROR:")[2] or str(error)
        reason = printable(re.sub(r"\w+\(0x[0-9a-f]+\):", "", text))
        raise FileError(f"{problem} ({reason})", hint=_HINT) from error


def _arranged(
    array: NDArray[Any], header: Header, noted: dict[str, Any], name: str
) -> tuple[NDArray[Any], str]:
    """Return pixels with time first and components last, or as our own writer had them."""
    order = str(noted.get("axes", ""))
    fourth = "T" if "C" in header.letters or "T" in order else "C"
    letters = header.letters[::-1]
    kept = [i for i, a in enumerate(letters) if a in "XYZ" or array.shape[i] > 1]
    array = array.reshape([array.shape[i] for i in kept])
    axes = "".join(letters[i] for i in kept)
    components = "C" in axes
    axes = axes.replace("?", fourth)
    if not set("YX") <= set(axes) or len(set(axes)) != len(axes):
        raise InputError(
            f"{name} has {len(header.sizes)} axes ({' x '.join(map(str, header.sizes))}), of "
            f"which {len([a for a in axes if a in 'XYZ'])} are in space",
            hint="Images of 2 or 3 axes in space, with channels and time, can be read",
        )
    if set("YX") <= set(order) <= set(ORDER):
        small, left = squeezed(array, axes)
        if set(left) <= set(order):
            return restored(small, left, order), order
    order = "".join(a for a in ("TZYXC" if components else ORDER) if a in axes)
    return restored(array, axes, order), order


def _geometry(
    header: Header, axes: str, noted_unit: str, name: str
) -> tuple[tuple[float, ...] | None, str, NDArray[np.float64] | None]:
    """Return spacing, unit and affine."""
    ndim = len(header.columns)
    plain = all(np.array_equal(c, np.eye(len(c))[i]) for i, c in enumerate(header.columns))
    default = plain and not header.origin.any() and not header.oriented
    if not ndim or noted_unit == "px" or (default and not noted_unit and not header.unit):
        return None, "px", None
    unit = canonical_unit(header.unit or "mm")
    if unit is None:
        text = "%s: the unit %r is not one of length; read as uncalibrated."
        logger.warning(text, name, printable(header.unit or "", 40))
        return None, "px", None
    factor = 1.0
    if header.unit is None and noted_unit in LENGTHS:  # our own writer writes mm
        unit, factor = noted_unit, LENGTHS["mm"] / LENGTHS[noted_unit]
    sizes = {
        a: (float(np.linalg.norm(c)) * factor, unit)
        for a, c in zip("XYZ", header.columns, strict=False)
    }
    spacing, unit = spacing_of(axes, sizes, name)
    if spacing is None:
        return None, "px", None
    affine = _affine(header, factor, name)
    placed = affine if affine is None or len(spacing) == ndim else in_plane(affine)
    diagonal = placed is not None and np.allclose(placed, np.diag([*spacing, 1.0]), rtol=1e-9)
    return spacing, unit, None if diagonal else placed


def _affine(header: Header, factor: float, name: str) -> NDArray[np.float64] | None:
    """Return the affine, None where the axes are no grid or lie across a plane."""
    ndim = len(header.columns)
    columns = np.stack(header.columns, 1) * factor
    origin = np.resize(np.append(header.origin, np.zeros(len(columns))), len(columns)) * factor
    if len(columns) < ndim or np.abs(columns[ndim:]).max(initial=0) > 0:
        return None
    affine = np.eye(ndim + 1)
    affine[:ndim, :ndim], affine[:ndim, ndim] = columns[:ndim], origin[:ndim]
    if usable(affine):
        return backwards(affine)
    logger.warning(
        "%s: the directions of its axes are no grid; the orientation is not known.", name
    )
    return None


def _channel_names(
    header: Header, noted: dict[str, Any], shape: tuple[int, ...], axes: str
) -> tuple[str, ...]:
    count = shape[axes.index("C")] if "C" in axes else 1
    given = noted.get("channel_names", ())
    names = tuple(map(str, given)) if isinstance(given, list) else ()
    names = names or ((*RGB, "alpha")[:count] if header.colours else ())
    return names if len(names) == count else ()


def _is_segmentation(header: Header) -> bool:
    """Return whether 3D Slicer wrote a label map."""
    return "Segment0_LabelValue" in header.notes and "C" not in header.letters


def _noted(header: Header) -> dict[str, Any]:
    """Return the notes of our own writer."""
    try:
        noted = json.loads(header.notes.get(_KEY, "{}"))
    except (ValueError, RecursionError):
        return {}
    return noted if isinstance(noted, dict) else {}


FORMAT = Format(
    name="NRRD or MetaImage",
    suffixes=SUFFIXES,
    written=WRITTEN,
    read=read,
    read_header=read_header,
    write=write,
    napari_reads=SUFFIXES,
    napari_writes=(".nrrd", ".mha"),
    packages=("SimpleITK",),
    extra="dicom",
    keeps_affine=True,
    keeps="unit, channel names, labels",
)
