"""What a TIFF says of the size of its pixels and the names of its channels."""

from __future__ import annotations

import logging
import math
import re
from typing import Any

import tifffile

from ..core.quantity import LENGTHS, canonical_unit

logger = logging.getLogger("napari_tally")

Sizes = dict[str, tuple[float, str]]
_COLOURS = ("red", "green", "blue", "alpha")
_PLAIN_UNITS = {2: "inch", 3: "cm"}
_LARGEST_PIXEL_UM = 20.0  # plain TIFFs with larger pixels (72 dpi, 300 dpi) were meant for paper


def calibration(
    file: tifffile.TiffFile, spatial: str, name: str
) -> tuple[tuple[float, ...] | None, str]:
    """Return spacing and unit of the spatial axes, or (None, "px") where they are not all known.

    OME's metadata counts before ImageJ's, and that before the plain resolution tags.
    """
    sizes = _ome(file) if file.is_ome else _imagej(file) if file.is_imagej else _plain(file)
    good = {a: s for a, s in sizes.items() if math.isfinite(s[0]) and s[0] > 0}
    if sizes != good:
        logger.warning("%s: a pixel size that is not positive is ignored.", name)
    missing = [a for a in spatial if a not in good]
    if missing:
        if good and set(missing) != set(spatial):
            logger.warning(
                "%s: the spacing along %s is missing, so there is no calibration.",
                name,
                " and ".join(missing),
            )
        return None, "px"
    unit = good["X"][1]
    factors = [LENGTHS[good[a][1]] / LENGTHS[unit] for a in spatial]
    return tuple(good[a][0] * f for a, f in zip(spatial, factors, strict=True)), unit


def channel_names(file: tifffile.TiffFile, axes: str) -> tuple[str, ...]:
    """Return one name a channel, or nothing; `axes` has a "c" for colours, a "C" for channels."""
    shape = [n for n in file.series[0].shape if n != 1]
    if "c" in axes:
        return _COLOURS[: file.series[0].shape[file.series[0].axes.index("S")]]
    if "C" not in axes:
        return ()
    count = shape[axes.index("C")] if len(shape) == len(axes) else 0
    names = _ome_names(file) if file.is_ome else _imagej_names(file, count)
    return names if len(names) == count == len(set(names)) else ()


def _pixels(file: tifffile.TiffFile) -> dict[str, Any]:
    found: Any = tifffile.xml2dict(file.ome_metadata or "")
    image = found.get("OME", {}).get("Image", {})
    image = image[0] if isinstance(image, list) else image
    pixels = image.get("Pixels", {})
    return pixels if isinstance(pixels, dict) else {}


def _ome(file: tifffile.TiffFile) -> Sizes:
    pixels, sizes = _pixels(file), {}
    for axis in "ZYX":
        size = pixels.get(f"PhysicalSize{axis}")
        unit = canonical_unit(str(pixels.get(f"PhysicalSize{axis}Unit", "µm")))
        if size is not None and unit is not None:
            sizes[axis] = (float(size), unit)
    return sizes


def _ome_names(file: tifffile.TiffFile) -> tuple[str, ...]:
    channels = _pixels(file).get("Channel", [])
    channels = channels if isinstance(channels, list) else [channels]
    return tuple(str(c["Name"]) for c in channels if "Name" in c)


def _imagej(file: tifffile.TiffFile) -> Sizes:
    metadata = file.imagej_metadata or {}
    units = {
        a: canonical_unit(str(metadata.get(key) or metadata.get("unit") or ""))
        for a, key in (("X", "unit"), ("Y", "yunit"), ("Z", "zunit"))
    }
    sizes: Sizes = {}
    for axis, size in [*_resolution(file).items(), ("Z", metadata.get("spacing"))]:
        unit = units[axis]
        if unit is not None and size is not None:
            sizes[axis] = (float(size), unit)
    return sizes


def _imagej_names(file: tifffile.TiffFile, count: int) -> tuple[str, ...]:
    """Return the planes' labels where each channel has the same in all its planes."""
    labels = (file.imagej_metadata or {}).get("Labels") or []
    if not count or not isinstance(labels, list) or len(labels) % count:
        return ()
    first = tuple(re.sub(r"^c:\d+/\d+ .*?- ", "", str(label)) for label in labels[:count])
    repeated = all(labels[i] == labels[i % count] for i in range(len(labels)))
    return first if repeated else ()


def _plain(file: tifffile.TiffFile) -> Sizes:
    tag = file.pages.first.tags.get("ResolutionUnit")
    unit = _PLAIN_UNITS.get(int(tag.value)) if tag is not None else None
    if unit is None:
        return {}
    sizes = {a: (s, unit) for a, s in _resolution(file).items()}
    return {a: s for a, s in sizes.items() if s[0] * LENGTHS[unit] < _LARGEST_PIXEL_UM}


def _resolution(file: tifffile.TiffFile) -> dict[str, float]:
    """Return the size of a pixel along X and Y in the file's unit of resolution."""
    sizes = {}
    for axis in "XY":
        tag = file.pages.first.tags.get(f"{axis}Resolution")
        if tag is not None:
            over, under = tag.value
            sizes[axis] = under / over if over else math.nan
    return sizes
