"""The metadata of an image in an OME-Zarr of version 0.1 to 0.5: axes, units and levels.

What is not needed is not validated: programs leave out or misspell names, types and hints.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.errors import InputError
from ...core.quantity import canonical_unit
from ...core.volume import SPATIAL
from .voxel_size import Sizes, logger

UNITS = {
    "pm": "picometer", "angstrom": "angstrom", "nm": "nanometer", "um": "micrometer",
    "mm": "millimeter", "cm": "centimeter", "m": "meter", "inch": "inch",
}  # fmt: skip
_NAMES = {name: unit for unit, name in UNITS.items()}
_OLD_ORDER = "TCZYX"  # before 0.3, all images have these axes
_LETTERS = {"t": "T", "time": "T", "c": "C", "channel": "C", "z": "Z", "y": "Y", "x": "X"}
_NEWEST = (0, 5)


@dataclass(frozen=True)
class Level:
    """One array of an image, and the transformations of its own."""

    path: str
    transforms: list[dict[str, Any]]


@dataclass(frozen=True)
class Multiscale:
    """An image at several resolutions.

    Attributes
    ----------
    axes : list of dict
        Name, type and unit of each axis; empty if the version has no axes.
    levels : list of Level
        The finest first.
    transforms : list of dict
        Those of all levels, applied after those of a level.
    """

    axes: list[dict[str, Any]]
    levels: list[Level]
    transforms: list[dict[str, Any]]

    @classmethod
    def of(cls, ome: dict[str, Any], name: str) -> Multiscale:
        """Return the first image in the attributes of a group.

        Raises
        ------
        InputError
            If the version is newer than 0.5, or there are no levels.
        """
        found = dicts(ome.get("multiscales"))
        if not found:
            raise InputError(f"{name} does not follow OME-Zarr: its multiscales list no image")
        noted = found[0]
        _check_version(noted.get("version", ome.get("version")), name)
        levels = [
            Level(str(each["path"]), dicts(each.get("coordinateTransformations")))
            for each in dicts(noted.get("datasets"))
            if isinstance(each.get("path"), str | int)
        ]
        if not levels:
            raise InputError(f"{name} does not follow OME-Zarr: its multiscales list no array")
        axes = noted.get("axes") if isinstance(noted.get("axes"), list) else None
        described = [a if isinstance(a, dict) else {"name": a} for a in axes or ()]
        return cls(described, levels, dicts(noted.get("coordinateTransformations")))

    def axes_for(self, ndim: int, name: str) -> str:
        """Return the axes of an array.

        Raises
        ------
        InputError
            If the metadata have another number of them, or none, or they are not understood.
        """
        if not self.axes:
            if ndim not in (2, 5):
                raise InputError(
                    f"{name} is an OME-Zarr before 0.3, without axes, of {ndim} instead of 5 axes",
                    hint=f"Set them with --axes, such as {_OLD_ORDER[-ndim:]}",
                )
            return _OLD_ORDER[-ndim:]
        if len(self.axes) != ndim:
            raise InputError(
                f"{name} has {len(self.axes)} axes in its metadata but {ndim} in its array"
            )
        return _letters(self.axes, name)

    def sizes(self, level: Level, axes: str, name: str) -> tuple[Sizes, dict[str, float]]:
        """Return the size of a voxel with its unit, and the origin, along each axis.

        Transformations are applied in the order in which they stand. Remarks are for the finest.
        """
        note = logger.warning if level is self.levels[0] else logger.debug
        scale, start, scaled = np.ones(len(axes)), np.zeros(len(axes)), False
        for each in (*level.transforms, *self.transforms):
            kind = str(each.get("type"))
            if kind == "scale":
                factor = _numbers(each, kind, len(axes), name)
                scale, start, scaled = scale * factor, start * factor, True
            elif kind == "translation":
                start = start + _numbers(each, kind, len(axes), name)
            elif kind != "identity":
                raise InputError(f"{name} has a transformation {kind!r}, which cannot be read")
        if not scaled:
            return {}, {}
        units = [_unit(str(a.get("unit") or "")) for a in self.axes] or [None] * len(axes)
        spatial = [abs(s) for a, s in zip(axes, scale, strict=True) if a in SPATIAL]
        if set(spatial) != {1.0} and not any(a.get("unit") or a.get("type") for a in self.axes):
            note("%s: its axes have names alone; the scale is taken to be in um.", name)
            units = ["um"] * len(axes)
        sizes = {
            a: (abs(float(s)), u)
            for a, s, u in zip(axes, scale, units, strict=True)
            if u is not None and a in SPATIAL
        }
        turned = [a for a, s in zip(axes, scale, strict=True) if s < 0 and a in SPATIAL]
        if turned:
            note(
                "%s: the scale of %s is negative. Its size is kept; the image is read in the order "
                "in which it is stored, and its origin is left out.", name, ", ".join(turned),
            )  # fmt: skip
            return sizes, {}
        return sizes, dict(zip(axes, map(float, start), strict=True))

    def unknown_units(self, axes: str) -> list[str]:
        """Return what is written as a unit of a spatial axis and is none that is known."""
        texts = [str(a.get("unit") or "") for a in self.axes]
        pairs = zip(axes, texts, strict=False)
        return [text for axis, text in pairs if axis in SPATIAL and text and _unit(text) is None]


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the dictionaries of what should be a list of them."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def colour_of(channel: dict[str, Any]) -> str:
    """Return the colour of a channel as six digits; white if it has none."""
    colour = str(channel.get("color", "")).removeprefix("#")
    return colour if re.fullmatch("[0-9a-fA-F]{6}", colour) else "FFFFFF"


def _unit(text: str) -> str | None:
    return _NAMES.get(text.strip().lower()) or canonical_unit(text)


def _check_version(version: Any, name: str) -> None:
    found = re.match(r"(\d+)\.(\d+)", str(version))
    if found and (int(found[1]), int(found[2])) > _NEWEST:
        raise InputError(
            f"{name} is an OME-Zarr of version {version}, but 0.5 is the newest that is read",
            hint="Convert it to 0.5",
        )


def _letters(axes: list[dict[str, Any]], name: str) -> str:
    """Return a letter for each axis: by its name, else by its type and place among its kind."""
    named = [str(a.get("name", "")).strip().lower() for a in axes]
    kinds = [str(a.get("type") or "").strip().lower() for a in axes]
    letters = [_LETTERS.get(n, "") for n in named]
    for at, kind in enumerate(kinds):
        if kind == "time" or kind == "channel":
            letters[at] = "T" if kind == "time" else "C"
        elif kind == "space" and letters[at] not in (*SPATIAL,):
            letters[at] = ""
    spatial = [at for at, kind in enumerate(kinds) if kind == "space"]
    if any(not letters[at] for at in spatial):  # names are free: the order counts
        for at, letter in zip(reversed(spatial), reversed(SPATIAL), strict=False):
            letters[at] = letter
    text = "".join(letters)
    if len(text) != len(axes) or len(set(text)) != len(text) or not set("YX") <= set(text):
        listed = ", ".join(n or "?" for n in named)
        raise InputError(
            f"The axes of {name} ({listed}) are not understood",
            hint="Set them with --axes, such as ZYX",
        )
    return text


def _numbers(transform: dict[str, Any], kind: str, count: int, name: str) -> np.ndarray[Any, Any]:
    try:
        numbers = np.asarray(transform.get(kind), float)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (count,):
        raise InputError(
            f"{name} has a {kind} of {str(transform.get(kind))[:60]}, not of {count} numbers"
        )
    return np.where(np.isfinite(numbers), numbers, math.nan)
