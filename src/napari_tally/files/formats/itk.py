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
from .axis_order import ORDER, arranged, given_axes, restored, squeezed
from .format import Format
from .integrity import check_file
from .label_dtype import numbers_of
from .voxel_size import logger, spacing_of
from .world_coordinates import affine_of, backwards, in_plane, lengths, with_slices

if TYPE_CHECKING:
    import SimpleITK

SUFFIXES = (".nrrd", ".mha", ".mhd")
_KEY = "napari-tally"  # header key of our own writer
_LABEL_TYPES = ("uint8", "uint16", "uint32")
_HINT = "Copy it again, with the data file that an .mhd has beside it"


def read(path: Path, *, axes: str | None = None) -> Volume:
    """Read a NRRD or MetaImage as (Z, Y, X) or (Y, X), channels last, time first.

    Lengths are in mm, as everywhere in ITK. A fourth axis is read as channels, unless we wrote it.

    Parameters
    ----------
    path : Path
        NRRD, MHA or MHD.
    axes : str, optional
        Letters of TCZYX to use instead of the file's.

    Raises
    ------
    FileError
        If the file is missing, damaged or truncated.
    InputError
        If the axes do not fit, or the voxels are complex numbers.
    """
    check_file(path)
    image = _opened(path)
    noted = _noted(image)
    array, file_axes = _voxels(image, str(noted.get("axes", "")), path.name)
    if axes is not None:
        file_axes = given_axes(axes, array.shape, path.name, file_axes)
    elif set("YX") <= set(noted.get("axes", "")) <= set(ORDER):
        array, left = squeezed(array, file_axes)
        array, file_axes = restored(array, left, noted["axes"]), str(noted["axes"])
    elif "C" in file_axes[:1]:
        logger.warning(
            "%s: the header does not define the fourth axis; it is read as channels. "
            "If it is time, set the axes to %s.", path.name, file_axes.replace("C", "T"),
        )  # fmt: skip
    spacing, unit, affine = _geometry(image, file_axes, str(noted.get("unit", "")), path.name)
    names = tuple(map(str, noted.get("channel_names", ())))
    return Volume(
        array, file_axes, spacing, unit, affine, names, path.name, bool(noted.get("is_labels"))
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
    with whole(path) as part, _explained(f"{path} cannot be written"):
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
    with _explained(f"The NRRD or MetaImage file {path} cannot be read"):
        return SimpleITK.ReadImage(str(path))


@contextmanager
def _explained(problem: str) -> Iterator[None]:
    """Raise ITK's errors, which name its own source files, as one sentence."""
    try:
        yield
    except RuntimeError as error:
        text = str(error).partition("ERROR:")[2] or str(error)
        text = text.rpartition("[nrrd]")[2] if "[nrrd]" in text else text
        reason = " ".join(re.sub(r"\w+\(0x[0-9a-f]+\):", "", text).split())
        raise FileError(f"{problem} ({reason})", hint=_HINT) from error


def _voxels(image: SimpleITK.Image, noted: str, name: str) -> tuple[NDArray[Any], str]:
    from SimpleITK import GetArrayFromImage

    array = GetArrayFromImage(image)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} has voxels of {array.dtype}, not integers or floats")
    ndim, vector = image.GetDimension(), image.GetNumberOfComponentsPerPixel() > 1
    if ndim not in (2, 3, 4):
        raise InputError(f"{name} has {ndim} axes, but only 2 to 4 can be read")
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


def _noted(image: SimpleITK.Image) -> dict[str, Any]:
    """Return the notes of our own writer."""
    if not image.HasMetaDataKey(_KEY):
        return {}
    try:
        noted = json.loads(image.GetMetaData(_KEY))
    except ValueError:
        return {}
    return noted if isinstance(noted, dict) else {}


FORMAT = Format(
    name="NRRD or MetaImage",
    suffixes=SUFFIXES,
    written=SUFFIXES,
    read=read,
    write=write,
    napari_reads=SUFFIXES,
    napari_writes=(".nrrd", ".mha"),
    packages=("SimpleITK",),
    extra="dicom",
    keeps_affine=True,
    keeps="unit, channel names, labels",
)
