"""NRRD and MetaImage (MHA, MHD), the formats of ITK, through SimpleITK."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import replacing, replacing_all
from ...core.errors import FileError, InputError
from ...core.quantity import LENGTHS
from ...core.volume import Volume
from .axis_order import ORDER, arranged, restored, squeezed, told_axes
from .format import need
from .integrity import check_file
from .label_dtype import numbers_of
from .voxel_size import logger, spacing_of
from .world_coordinates import affine_of, backwards, in_plane, lengths, with_slices

if TYPE_CHECKING:
    import SimpleITK

SUFFIXES = (".nrrd", ".mha", ".mhd")
EXTRA = "dicom"
_KEY = "napari-tally"  # of what our own writer notes in the header
_LABEL_TYPES = ("uint8", "uint16", "uint32")
_HINT = "Is it whole, and does the data file of an .mhd lie beside it? Copy both again"


def read(path: Path, *, axes: str | None = None) -> Volume:
    """Read a NRRD or MetaImage as (Z, Y, X) or (Y, X), channels last, time first.

    Lengths are mm, as everywhere in ITK. A fourth axis of other programs is channels.

    Parameters
    ----------
    path : Path
        NRRD, MHA or MHD.
    axes : str, optional
        Letters of TCZYX to use instead of the file's.

    Raises
    ------
    FileError
        If the file is missing, damaged or cut short, or SimpleITK is not installed.
    InputError
        If the axes do not fit, or the numbers are complex.
    """
    check_file(path)
    need("SimpleITK", f"{path.suffix} files", EXTRA)
    image = _opened(path)
    said = _said(image)
    array, found = _voxels(image, str(said.get("axes", "")), path.name)
    if axes is not None:
        found = told_axes(axes, array.shape, path.name, found)
    elif set("YX") <= set(said.get("axes", "")) <= set(ORDER):
        array, left = squeezed(array, found)
        array, found = restored(array, left, said["axes"]), str(said["axes"])
    elif "C" in found[:1]:
        logger.warning(
            "%s: the header does not say what the fourth axis means; it is read as channels. "
            "If it is time, say so with the axes %s.", path.name, found.replace("C", "T"),
        )  # fmt: skip
    spacing, unit, affine = _geometry(image, found, str(said.get("unit", "")), path.name)
    names = tuple(map(str, said.get("channel_names", ())))
    return Volume(
        array, found, spacing, unit, affine, names, path.name, bool(said.get("is_labels"))
    )


def write(volume: Volume, path: Path) -> None:
    """Write a NRRD or MetaImage with spacing, origin and direction, compressed.

    The order of the axes, the unit, the channels' names and whether these are labels are noted in
    the header; an `.mhd` gets its data file beside it.

    Raises
    ------
    InputError
        If the numbers are of a type that ITK does not have.
    FileError
        If the folder cannot be written, or SimpleITK is not installed.
    """
    need("SimpleITK", f"{path.suffix} files", EXTRA)
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
    with whole(path) as part, _spoken(path, "A file that can be written is needed"):
        SimpleITK.WriteImage(image, str(part), useCompression=True)


def affine_of_image(image: SimpleITK.Image) -> NDArray[np.float64]:
    """Return the affine of the spatial axes (up to three) in the convention of `Volume`."""
    whole = image.GetDimension()
    ndim = min(whole, 3)
    direction = np.reshape(image.GetDirection(), (whole, whole))[:ndim, :ndim]
    affine = np.eye(ndim + 1)
    affine[:ndim, :ndim] = direction * image.GetSpacing()[:ndim]
    affine[:ndim, ndim] = image.GetOrigin()[:ndim]
    return backwards(affine)


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


def _opened(path: Path) -> SimpleITK.Image:
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)  # they name no file
    with _spoken(path, "A whole NRRD or MetaImage file is needed"):
        return SimpleITK.ReadImage(str(path))


@contextmanager
def _spoken(path: Path, needed: str) -> Iterator[None]:
    """Turn what ITK raises, which names its own source files, into a sentence."""
    try:
        yield
    except RuntimeError as error:
        text = str(error).partition("ERROR:")[2] or str(error)
        text = text.rpartition("[nrrd]")[2] if "[nrrd]" in text else text
        reason = " ".join(re.sub(r"\w+\(0x[0-9a-f]+\):", "", text).split())
        raise FileError(needed, f"{path} ({reason})", _HINT) from error


def _voxels(image: SimpleITK.Image, noted: str, name: str) -> tuple[NDArray[Any], str]:
    from SimpleITK import GetArrayFromImage

    array = GetArrayFromImage(image)
    if array.dtype.kind not in "biuf":
        raise InputError(f"Whole or real numbers are needed in {name}", str(array.dtype))
    ndim, vector = image.GetDimension(), image.GetNumberOfComponentsPerPixel() > 1
    if ndim not in (2, 3, 4):
        raise InputError(f"An image of 2 to 4 axes is needed in {name}", f"{ndim}")
    fourth = "T" if vector or "T" in noted else "C"
    return array, (fourth + "ZYX")[-ndim:] + "C" * vector


def _geometry(
    image: SimpleITK.Image, axes: str, unit: str, name: str
) -> tuple[tuple[float, ...] | None, str, NDArray[np.float64] | None]:
    """Return spacing, unit and affine."""
    affine = affine_of_image(image)
    nothing = np.array_equal(affine, np.eye(len(affine))) and not image.HasMetaDataKey("NRRD_space")
    if unit == "px" or (nothing and not unit):
        return None, "px", None
    unit = unit if unit in LENGTHS else "mm"
    affine[:-1] *= LENGTHS["mm"] / LENGTHS[unit]
    spots = [
        (a, (s, unit)) for a, s in zip("ZYX"[-len(affine) + 1 :], lengths(affine), strict=True)
    ]
    spacing, unit = spacing_of(axes, dict(spots), name)
    if spacing is None:
        return None, "px", None
    placed = affine if len(spacing) == len(affine) - 1 else in_plane(affine)
    plain = placed is not None and np.allclose(placed, np.diag([*spacing, 1.0]), rtol=1e-9)
    return spacing, unit, None if plain else placed


def _said(image: SimpleITK.Image) -> dict[str, Any]:
    """Return what our own writer has noted."""
    if not image.HasMetaDataKey(_KEY):
        return {}
    try:
        said = json.loads(image.GetMetaData(_KEY))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
