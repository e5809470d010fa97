"""Write a TIFF that napari, ImageJ and Bio-Formats open with the same calibration and axes."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ...core.atomic import replacing
from ...core.errors import InputError
from .axis_order import arranged
from .voxel_size import ORDER_KEY, logger

if TYPE_CHECKING:
    from ...core.volume import Volume

RGB = ("red", "green", "blue")
_IMAGEJ = ("uint8", "uint16", "float32")
_OME = ("bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")
_OME_UNITS = {"um": "µm", "angstrom": "Å", "inch": "in"}
_CLASSIC_BYTES = 2**32 - 2**25  # as tifffile: 32 MB are left for metadata
_WORD = 2**32 - 1


def write(volume: Volume, path: Path) -> None:
    """Write a volume as a TIFF, with its axes, spacing, unit and channel names.

    Images of uint8, uint16 and float32 become an ImageJ hyperstack (uncompressed, as ImageJ itself
    writes it). ImageJ has no other types and no files above 4 GB: these, and names that end in
    `.ome.tif`, become an OME-TIFF (deflate). The affine is lost.

    Raises
    ------
    InputError
        If TIFF readers do not share the dtype (int64, complex, ...).
    FileError
        If the folder cannot be written.
    """
    array = np.asarray(volume.array)
    if array.dtype.name not in _OME or array.size == 0:
        raise InputError(
            f"{path.name} cannot hold an array of {array.dtype} and shape {array.shape}",
            hint=f"Convert it to {', '.join(_OME)}",
        )
    if volume.affine is not None:
        logger.warning("%s: a TIFF keeps the spacing, not the affine.", path.name)
    options = _imagej(volume, array) if _fits_imagej(volume, array, path) else _ome(volume, array)
    with replacing(path) as part:
        tifffile.imwrite(part, **options)


def _fits_imagej(volume: Volume, array: NDArray[Any], path: Path) -> bool:
    spacing = volume.spacing or (1.0,)
    return (
        array.dtype.name in _IMAGEJ
        and array.nbytes < _CLASSIC_BYTES
        and ".ome" not in (s.lower() for s in path.suffixes[:-1])
        and all(1e-9 < s < 1e9 for s in spacing)  # as fractions of 32-bit numbers
    )


def _spacing(volume: Volume) -> dict[str, float]:
    return dict(zip(volume.spatial_axes, volume.spacing or (), strict=bool(volume.spacing)))


def _imagej(volume: Volume, array: NDArray[Any]) -> dict[str, Any]:
    colour = array.dtype == np.uint8 and volume.channel_names == RGB
    data = arranged(volume, array, "TZYXC" if colour else "TZCYX")
    sizes = _spacing(volume)
    metadata: dict[str, Any] = {
        "axes": "TZYXS" if colour else "TZCYX",
        "unit": volume.unit if sizes else "pixel",
        ORDER_KEY: volume.axes,
    }
    if "Z" in sizes:
        metadata["spacing"] = sizes["Z"]
    if volume.channel_names and not colour:
        metadata["Labels"] = list(volume.channel_names) * math.prod(data.shape[:2])
    if not colour and data.shape[2] > 1:
        metadata["mode"] = "composite"
    return {
        "data": data,
        "imagej": True,
        "photometric": "rgb" if colour else "minisblack",
        "resolution": tuple(_fraction(1 / sizes.get(a, 1.0)) for a in "XY"),
        "resolutionunit": 1,  # none: the unit is in ImageJ's own metadata
        "metadata": metadata,
    }


def _ome(volume: Volume, array: NDArray[Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": "TCZYX", "Description": f"{ORDER_KEY}={volume.axes}"}
    unit = _OME_UNITS.get(volume.unit, volume.unit)
    for axis, size in _spacing(volume).items():
        metadata |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": unit}
    if volume.channel_names:
        metadata["Channel"] = {"Name": list(volume.channel_names)}
    options = {
        "data": arranged(volume, array, "TCZYX"),
        "ome": True,
        "photometric": "minisblack",
        "compression": "zlib",
        "bigtiff": array.nbytes >= _CLASSIC_BYTES,
        "metadata": metadata,
    }
    return options | _printed_resolution(volume)


def _printed_resolution(volume: Volume) -> dict[str, Any]:
    """Return the tags from which readers without OME-XML take the size of a pixel."""
    if volume.spacing is None:
        return {}
    sizes = dict(zip(volume.spatial_axes, volume.spacing_in("cm"), strict=True))
    return {
        "resolution": tuple(_fraction(1 / sizes[a]) for a in "XY"),
        "resolutionunit": 3,  # centimetre
    }


def _fraction(value: float) -> tuple[int, int]:
    """Return a positive number as a fraction of two 32-bit numbers."""
    value = min(max(value, 1 / _WORD), float(_WORD))
    nearest = Fraction(value).limit_denominator(max(1, min(_WORD, int(_WORD / value))))
    return nearest.numerator, nearest.denominator
