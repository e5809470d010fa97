"""The voxel size in a file's metadata; of a TIFF also the channels' names and the axes' order."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ...core.errors import printable
from ...core.quantity import LENGTHS, canonical_unit, is_pixel
from ...core.volume import SPATIAL

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import tifffile

# Key under which our files note an order of axes that the format would change.
ORDER_KEY = "tally_axes"
# Resolutions of printers, screens and scanners in dots per inch, which are no calibration.
PRINTED_DPI = (
    1, 2.54, 72, 96, 100, 120, 144, 150, 180, 200, 220, 240, 300, 350, 360, 400, 600, 1200, 2400,
)  # fmt: skip
_RESOLUTION_UNITS = {2: "inch", 3: "cm", 4: "mm", 5: "um"}

_MPP = re.compile(r"^Aperio[\s\S]*?\bMPP\s*=\s*([\d.,]+)")

logger = logging.getLogger("napari_tally")

Sizes = dict[str, tuple[float, str]]


@dataclass(frozen=True)
class Metadata:
    """The metadata of a TIFF.

    Attributes
    ----------
    sizes : dict
        Size of a voxel and its unit along X, Y and Z, where the file gives it.
    channel_names : tuple of str
        One a channel, or empty.
    order : str
        The axes as they were before our own writer changed their order; "" in foreign files.
    """

    sizes: Sizes = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    order: str = ""


def read_metadata(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Metadata:
    """Return the metadata of OME-XML, of a vendor, of ImageJ or else of the resolution tags."""
    if series.kind == "ome" and tif.ome_metadata:
        return _from_ome(tif.ome_metadata, tif.series.index(series), tif.filename)
    if series.kind == "lsm" and tif.lsm_metadata:
        return Metadata(_from_lsm(tif.lsm_metadata))
    noted = _MPP.search(series.keyframe.description or "")
    if noted and series is tif.series[0]:  # not those of the label and the macro image
        return Metadata({a: (_number(noted[1].replace(",", ".")), "um") for a in "YX"})
    if tif.is_imagej and tif.imagej_metadata:
        return from_imagej(tif.imagej_metadata, series.keyframe, tif.filename)
    sizes = from_tags(series.keyframe)
    return Metadata(sizes if series.kind == "ndpi" else _without_printed(sizes))


def spacing_of(axes: str, sizes: Sizes, name: str) -> tuple[tuple[float, ...] | None, str]:
    """Return the spacing of the spatial axes in one unit, or (None, "px").

    Warns about what is missing or invalid, where the file gives sizes at all.
    """
    wanted = [a for a in axes if a in SPATIAL]
    if not sizes or not wanted:
        return None, "px"
    missing = [a for a in wanted if a not in sizes]
    if missing:
        logger.warning("%s: the spacing of %s is missing; read as uncalibrated.", name, missing[0])
        return None, "px"
    wrong = [a for a in wanted if not (math.isfinite(sizes[a][0]) and sizes[a][0] > 0)]
    if wrong:
        text = "%s: the spacing of %s is %g %s; read as uncalibrated."
        logger.warning(text, name, wrong[0], *sizes[wrong[0]])
        return None, "px"
    for axis in wanted:
        value, unit = sizes[axis]
        if not LENGTHS["pm"] <= value * LENGTHS[unit] < LENGTHS["m"]:
            text = "%s: the spacing of %s is %g %s, which is implausible. Check it."
            logger.warning(text, name, axis, value, unit)
    unit = sizes[wanted[-1]][1]
    return tuple(_converted(*sizes[a], unit) for a in wanted), unit


def _converted(value: float, unit: str, to: str) -> float:
    return value if unit == to else value * LENGTHS[unit] / LENGTHS[to]


def _known(sizes: Iterable[tuple[str, Any, str | None]], name: str = "") -> Sizes:
    """Keep the sizes that are numbers in a unit of length; name a unit that is not known."""
    result: Sizes = {}
    for axis, value, text in sizes:
        unit = canonical_unit(text)
        if value is not None and unit is not None:
            result[axis] = (_number(value), unit)
        elif value is not None and text and name and not is_pixel(text):
            text = printable(text, 40)
            logger.warning("%s: the unit %r is not known; read as uncalibrated.", name, text)
            name = ""
    return result


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _from_ome(xml: str, index: int, name: str) -> Metadata:
    try:
        images = ElementTree.fromstring(xml).findall("{*}Image")
    except ElementTree.ParseError:
        return Metadata()
    if not images:
        return Metadata()
    image = images[min(index, len(images) - 1)]
    pixels = image.find("{*}Pixels")
    return Metadata() if pixels is None else from_ome_image(image, pixels, name)


def from_ome_image(image: Element, pixels: Element, name: str) -> Metadata:
    """Return the metadata in the elements of an image and its pixels."""
    sizes = _known(
        (
            (a, pixels.get(f"PhysicalSize{a}"), pixels.get(f"PhysicalSize{a}Unit", "µm"))
            for a in SPATIAL
        ),
        name,
    )
    names = tuple(c.get("Name", "") for c in pixels.findall("{*}Channel"))
    key, _, order = (image.findtext("{*}Description") or "").partition("=")
    return Metadata(sizes, names if all(names) else (), order if key == ORDER_KEY else "")


def from_imagej(noted: dict[str, Any], page: tifffile.TiffPage, name: str) -> Metadata:
    """Return the metadata that ImageJ notes beside the resolution of a page."""
    order = str(noted.get(ORDER_KEY, ""))
    names = _imagej_names(noted, bool(order))
    if "unit" not in noted:
        return Metadata(_without_printed(from_tags(page)), names, order)
    unit = _unescaped(str(noted["unit"]))
    sizes = _known(
        [
            ("X", _pixel(page, "XResolution"), unit),
            ("Y", _pixel(page, "YResolution"), _unescaped(str(noted.get("yunit", unit)))),
            ("Z", noted.get("spacing"), _unescaped(str(noted.get("zunit", unit)))),
        ],
        name,
    )
    return Metadata(sizes if order else _without_printed(sizes), names, order)


def _unescaped(text: str) -> str:
    r"""Return a text of ImageJ, which writes other letters than those of ASCII as \u00B5."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _from_lsm(noted: dict[str, Any]) -> Sizes:
    """Return the sizes in the metadata of Zeiss LSM, which are in metres."""
    sizes = {a: noted.get(f"VoxelSize{a}") for a in SPATIAL}
    return {a: (float(size) * 1e6, "um") for a, size in sizes.items() if size}


def _imagej_names(noted: dict[str, Any], ours: bool) -> tuple[str, ...]:
    """Return one name per channel from one label per plane, if the planes of a channel agree."""
    labels, channels = noted.get("Labels") or (), int(noted.get("channels", 1))
    labels = (labels,) if isinstance(labels, str) else tuple(str(label) for label in labels)
    names = labels[:channels]
    if channels == 1 and not ours:  # other programs label the planes of a stack
        return ()
    return names if labels and labels == names * (len(labels) // channels) else ()


def from_tags(page: tifffile.TiffPage) -> Sizes:
    """Return the size of a pixel from the resolution of a page."""
    tag = page.tags.get("ResolutionUnit")
    unit = None if tag is None else _RESOLUTION_UNITS.get(int(tag.value))
    return _known((a, _pixel(page, f"{a}Resolution"), unit) for a in "YX")


def _pixel(page: tifffile.TiffPage, name: str) -> float | None:
    """Return the size of a pixel from a resolution, which is pixels a unit as a fraction."""
    tag = page.tags.get(name)
    if tag is None:
        return None
    try:
        pixels, units = tag.value
    except (TypeError, ValueError):  # not a fraction
        return None
    return units / pixels if pixels else math.inf


def _without_printed(sizes: Sizes) -> Sizes:
    """Drop the sizes of X and Y, and with them all, if they are those of a printer or screen."""
    value, unit = sizes.get("X", (0.0, "um"))
    if unit not in ("inch", "cm") or not math.isfinite(value) or value <= 0:
        return sizes
    dpi = LENGTHS["inch"] / (value * LENGTHS[unit])
    return {} if any(math.isclose(dpi, p, rel_tol=2e-3) for p in PRINTED_DPI) else sizes
