"""Quantities with units as text: `12um`, `0.5,0.1,0.1um`, `20um2`, `30px`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from .errors import InputError

# Micrometres in one unit. "px" stands for a length without calibration.
LENGTHS: dict[str, float] = {
    "pm": 1e-6, "nm": 1e-3, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "angstrom": 1e-4,
    "inch": 25_400.0,
}  # fmt: skip
_ALIASES: dict[str, str] = {
    "Âµm": "um", "micrometres": "um", "nanometers": "nm", "nanometres": "nm", "millimeters": "mm",
    "millimetres": "mm", "centimeters": "cm", "centimetre": "cm", "centimetres": "cm",
    "meters": "m", "metre": "m", "metres": "m", "inches": "inch", "picometer": "pm",
    "A": "angstrom", "angstroms": "angstrom", "Ångström": "angstrom", "ångström": "angstrom",
    "ångstrom": "angstrom",
    "µm": "um", "μm": "um", "micron": "um", "microns": "um", "micrometer": "um",
    "micrometre": "um", "micrometers": "um", "nanometer": "nm",
    "nanometre": "nm", "millimeter": "mm", "millimetre": "mm", "centimeter": "cm", "meter": "m",
    "Å": "angstrom", "pixel": "px", "pixels": "px", "voxel": "px", "voxels": "px", "vx": "px",
    "in": "inch", r"\u00b5m": "um",
}  # fmt: skip
_TEXT = re.compile(
    r"^\s*(?P<numbers>(?:[\d.,;x+\-\s]|e(?=[+\-]?\d))*?)\s*"
    r"(?P<unit>[a-zA-ZµμÅ]*)(?P<power>[23²³]?)\s*$"
)
_COARSE_UM = 100.0
_POWERS = {"": 1, "2": 2, "3": 3, "²": 2, "³": 3}


@dataclass(frozen=True, slots=True)
class Quantity:
    """Numbers in one unit, to the power of 1 (lengths), 2 (areas) or 3 (volumes)."""

    values: tuple[float, ...]
    unit: str
    power: int = 1

    def to(self, unit: str) -> tuple[float, ...]:
        """Return the values in another length unit (of the same power).

        Raises
        ------
        InputError
            If only one of the units is px: conversion requires a calibration.
        """
        if unit == self.unit:
            return self.values
        if "px" in (unit, self.unit):
            raise InputError(
                f"A length in {self.unit} cannot be converted to {unit} without a calibration",
                hint="Set the spacing, such as 0.5um, or give lengths in px",
            )
        factor = (LENGTHS[self.unit] / LENGTHS[unit]) ** self.power
        return tuple(v * factor for v in self.values)

    def __str__(self) -> str:
        numbers = ",".join(f"{v:g}" for v in self.values)
        return f"{numbers}{self.unit}{self.power if self.power > 1 else ''}"


def canonical_unit(text: str | None) -> str | None:
    """Return the short name of a length unit (`micron` -> `um`), or None if it is not one."""
    if not text:
        return None
    name = _ALIASES.get(text.strip(), _ALIASES.get(text.strip().lower(), text.strip().lower()))
    return name if name in LENGTHS else None


def is_pixel(text: str) -> bool:
    """Return whether a unit stands for no calibration: px, pixel, voxel."""
    return _ALIASES.get(text.strip().lower(), text.strip().lower()) == "px"


def table_unit(unit: str, spacing: Sequence[float] | None = None) -> str:
    """Return the unit of tables for images in a unit: mm for medical ones, else um (or px).

    So the tables of a batch can be concatenated. Microscopy in cm or inch, as TIFF has it, is in
    um as well: only voxels from 0.1 mm are in mm.
    """
    if unit in ("px", "mm"):
        return unit
    coarse = spacing is not None and min(spacing) * LENGTHS[unit] >= _COARSE_UM
    return "mm" if unit in ("cm", "m", "inch") and coarse else "um"


def parse_quantity(text: str, *, power: int = 1) -> Quantity:
    """Read a quantity such as `12um`, `0.5,0.1,0.1um` or `20um2`.

    Parameters
    ----------
    text : str
        Numbers with commas or `x` between them, and a unit (um, nm, mm, ..., px).
    power : int
        1 for a length, 2 for an area, 3 for a volume; optional in the text.

    Raises
    ------
    InputError
        If it is not a quantity, has no unit, or is not positive and finite.
    """
    hint = f"Write it as {_example(power)}"
    match = _TEXT.match(text)
    if match is None:
        raise InputError(f"{text!r} is not a number with a unit", hint=hint)
    unit = match["unit"]
    unit = "px" if _ALIASES.get(unit, unit) == "px" else canonical_unit(unit) or ""
    written = _POWERS[match["power"]]
    if not unit or (match["power"] and written != power):
        raise InputError(f"{text!r} is not a number with a unit", hint=hint)
    try:
        values = tuple(float(v) for v in re.split(r"[,;x]\s*|\s+", match["numbers"].strip()))
    except ValueError:
        raise InputError(f"{text!r} is not a number with a unit", hint=hint) from None
    if not all(math.isfinite(v) and v > 0 for v in values):
        raise InputError(f"{text!r} must be positive and finite", hint=hint)
    return Quantity(values, unit, power)


def _checked(text: str | None) -> str | None:
    if text is not None:
        parse_quantity(text)
    return text


# A field of options that holds a length as text, or None.
QuantityText = Annotated[str | None, AfterValidator(_checked)]


def _example(power: int) -> str:
    return {1: "12um, 30px or 0.5,0.1,0.1um", 2: "20um2 or 50px2", 3: "100um3 or 50px3"}[power]
