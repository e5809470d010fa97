"""The header of NRRD (https://teem.sourceforge.net/nrrd/format.html)."""

from __future__ import annotations

import math
import re
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...core.quantity import LENGTHS, canonical_unit
from .data_file_names import listed, patterned
from .itk_header import DataFiles, Header, HeaderLines, numbers, whole, wholes

MAGIC = b"NRRD000"
_TYPES = {
    "i1": "signed char|int8|int8_t",
    "u1": "uchar|unsigned char|uint8|uint8_t",
    "i2": "short|short int|signed short|signed short int|int16|int16_t",
    "u2": "ushort|unsigned short|unsigned short int|uint16|uint16_t",
    "i4": "int|signed int|int32|int32_t",
    "u4": "uint|unsigned int|uint32|uint32_t",
    "i8": "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t",
    "u8": "ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t",
    "f4": "float|float32",
    "f8": "double|float64",
}
_DTYPES = {name: kind for kind, names in _TYPES.items() for name in names.split("|")}
_CODECS = {
    "raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2",
    "text": "text", "txt": "text", "ascii": "text", "hex": "hex",
}  # fmt: skip
# Signs of the world's axes in LPS+; None for spaces without a patient.
_SPACES = {
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "scanner-xyz": None, "3d-right-handed": None, "3d-left-handed": None,
}  # fmt: skip
_ALONG_SPACE = ("domain", "space", "???", "none", "")
_COLOURS = ("rgb-color", "rgba-color")
_TIMES = ("s", "sec", "second", "seconds", "ms", "msec", "us", "usec", "min", "minutes", "h")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_VECTOR = re.compile(r"\(([^()]*)\)|(\S+)")
_MAX_AXES = 6
_NOTABLE = 1e-3
_NO_UNIT = "the header gives no unit of length; taken to be mm"


def read_nrrd(file: BinaryIO) -> Header:
    """Read the header of an open NRRD.

    Raises
    ------
    ValueError
        If it is not valid.
    """
    fields, notes, data_files = _fields(HeaderLines(file))
    for name in ("type", "dimension", "sizes", "encoding"):
        if name not in fields:
            raise ValueError(f"the header has no {name}")
    ndim = whole(fields["dimension"], "dimension", 1, 16)
    if ndim > _MAX_AXES:
        raise ValueError(f"it has {ndim} axes, but {_MAX_AXES} at most can be read")
    sizes = wholes(fields["sizes"], "sizes", 1, 2**40)
    if len(sizes) != ndim:
        raise ValueError(f"it has {ndim} axes, but {len(sizes)} sizes")
    kind = " ".join(fields["type"].lower().split())
    if kind not in _DTYPES or "complex" in fields.get("kinds", "").lower():
        raise ValueError(f"its values are {fields['type'][:40]!r}, not integers or floats")
    codec = _CODECS.get(fields["encoding"].strip().lower())
    if codec is None:
        raise ValueError(f"the encoding {fields['encoding'][:40]!r} is not supported")
    order = ">" if fields.get("endian", "little").strip().lower() == "big" else "<"
    steps = _steps(fields, sizes)
    letters = _letters(fields, ndim, steps)
    columns, origin, unit = _geometry(fields, letters, steps)
    space = _space(fields) in _SPACES or "space dimension" in fields
    return Header(
        sizes=sizes,
        letters=letters,
        dtype=np.dtype(order + _DTYPES[kind]),
        data=DataFiles(
            names=data_files,
            start=whole(fields.get("byte skip", "0"), "byte skip", -1, 2**31),
            lines=whole(fields.get("line skip", "0"), "line skip", 0, 2**31),
            codec=codec,
        ),
        columns=columns,
        origin=origin,
        unit=unit,
        oriented=space,
        notes=notes,
        colours=any(kind in _COLOURS for kind in _kinds(fields, ndim)),
        remark=_contradiction(fields, steps)
        or (_NO_UNIT if columns and not unit and not space else ""),
    )


def _fields(lines: HeaderLines) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """Return the fields, the notes (key and value), and the names of the data files."""
    fields: dict[str, str] = {}
    notes: dict[str, str] = {}
    if not (lines.next() or "").startswith(MAGIC.decode()):
        raise ValueError("it is not a NRRD file")
    while line := lines.next():
        if line.startswith("#"):
            continue
        name, note, value = line.partition(":=")
        if note and ": " not in name:
            notes[name.strip()] = re.sub(r"\\(.)", _unescaped, value)
            continue
        name, _, value = line.partition(":")
        name = " ".join(name.lower().split())
        name = {"datafile": "data file", "centerings": "centers"}.get(name, name)
        fields[name.replace("byteskip", "byte skip").replace("lineskip", "line skip")] = (
            value.strip()
        )
        if name == "data file":
            words = value.split()
            if words[:1] == ["LIST"]:
                return fields, notes, listed(lines)
    data = fields.get("data file")
    return fields, notes, () if data is None else patterned(data)


def _unescaped(match: re.Match[str]) -> str:
    return {"n": "\n"}.get(match[1], match[1])


def _space(fields: dict[str, str]) -> str:
    """Return the name of the world without its time."""
    name = fields.get("space", "").lower().removesuffix("-time")
    return name[:3] if name in ("rast", "last", "lpst") else name


def _has_time(fields: dict[str, str]) -> bool:
    """Return whether the fourth axis of the world is time."""
    name = fields.get("space", "").lower()
    return name.endswith("-time") or name in ("rast", "last", "lpst")


def _words(text: str, count: int) -> list[str]:
    """Return words, of which some are quoted, in the number of the axes."""
    found = [quoted or bare for quoted, bare in _QUOTED.findall(text)]
    return (found + [""] * count)[:count]


def _kinds(fields: dict[str, str], ndim: int) -> list[str]:
    return _words(fields.get("kinds", "").lower(), ndim)


def _letters(fields: dict[str, str], ndim: int, steps: list[NDArray[np.float64] | None]) -> str:
    """Return the letter of each axis, "?" for one that is not defined."""
    kinds = _kinds(fields, ndim)
    units, labels = (_words(fields.get(name, "").lower(), ndim) for name in ("units", "labels"))
    apart = "space directions" in fields or ndim > 3  # an axis without a step is not in space
    letters = []
    left = list("XYZ")
    for kind, unit, label, step in zip(kinds, units, labels, steps, strict=True):
        timed = _has_time(fields) and step is not None and not step.any()
        if kind == "time" or unit in _TIMES or label in ("t", "time") or timed:
            letters.append("T")
        elif kind not in _ALONG_SPACE:
            letters.append("C")
        elif left and not (apart and step is None and any(s is not None for s in steps)):
            letters.append(left.pop(0))
        else:
            letters.append("?")
    return "".join(letters)


def _steps(fields: dict[str, str], sizes: tuple[int, ...]) -> list[NDArray[np.float64] | None]:
    """Return the step of each axis in the world, None where the header has none."""
    ndim = len(sizes)
    directions = fields.get("space directions")
    if directions is not None:
        signs = _SPACES.get(_space(fields))
        return [_vector(v, signs) for v in _vectors(directions, ndim)]
    spacings: Any = [math.nan] * ndim
    if "spacings" in fields:
        spacings = numbers(fields["spacings"], "spacings", ndim)
    elif {"axis mins", "axis maxs"} <= fields.keys():
        spacings = _from_extent(fields, sizes)
    along = np.cumsum([math.isfinite(s) for s in spacings]) - 1
    world = max(3, ndim)
    return [
        s * np.eye(world)[i] if math.isfinite(s) else None
        for s, i in zip(spacings, along, strict=True)
    ]


def _contradiction(fields: dict[str, str], steps: list[NDArray[np.float64] | None]) -> str:
    """Return that directions and spacings disagree, or nothing."""
    if not {"space directions", "spacings"} <= fields.keys():
        return ""
    spacings = numbers(fields["spacings"], "spacings", len(steps))
    for spacing, step in zip(spacings, steps, strict=True):
        length = math.nan if step is None else float(np.linalg.norm(step))
        if abs(abs(spacing) - length) > _NOTABLE * length:  # false for NaN
            return f"its space directions ({length:g}) count, not its spacings ({spacing:g})"
    return ""


def _from_extent(fields: dict[str, str], sizes: tuple[int, ...]) -> NDArray[np.float64]:
    """Return spacings from the first and last position of each axis, as far as defined."""
    ndim = len(sizes)
    low, high = (numbers(fields[f"axis {name}"], name, ndim) for name in ("mins", "maxs"))
    centers = _words(fields.get("centers", "").lower(), ndim)
    steps = {"cell": np.array(sizes), "node": np.maximum(np.array(sizes) - 1, 1)}
    return np.array(
        [
            (high[i] - low[i]) / steps[c][i] if c in steps else math.nan
            for i, c in enumerate(centers)
        ]
    )


def _vectors(text: str, count: int) -> list[list[float] | None]:
    """Return vectors such as (1,0,0), None for `none` and for those that are not numbers."""
    found: list[list[float] | None] = []
    for inside, bare in _VECTOR.findall(text):
        if not inside and bare.lower() not in ("none", "nan"):
            raise ValueError(f"{bare[:40]!r} is no vector")
        values = [float(v) for v in inside.split(",")] if inside else []
        found.append(values if values and all(map(math.isfinite, values)) else None)
    if len(found) != count or len({len(v) for v in found if v}) > 1:
        raise ValueError(f"{text[:60]!r} are not {count} vectors")
    return found


def _vector(values: list[float] | None, signs: Any) -> NDArray[np.float64] | None:
    """Return a vector in LPS+, without time."""
    if values is None:
        return None
    vector = np.array(values[:3])
    return vector * signs if signs is not None and len(vector) == 3 else vector


def _geometry(
    fields: dict[str, str], letters: str, steps: list[NDArray[np.float64] | None]
) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64], str | None]:
    """Return the steps of the axes in space, the origin and the unit of both.

    Different known units are converted to the first; else the unit is all of their words.
    """
    origin = np.zeros(max(3, len(letters)))
    if (text := fields.get("space origin")) is not None:
        given = _vector(_vectors(text, 1)[0], _SPACES.get(_space(fields)))
        origin = origin if given is None else given
    spatial = [step for step, letter in zip(steps, letters, strict=True) if letter in "XYZ"]
    known = next((step for step in spatial if step is not None), None)
    if known is None:
        return (), origin, None
    columns = [np.full(len(known), np.nan) if step is None else step for step in spatial]
    words, by_world = _units(fields, letters, min(len(known), 3))
    if not any(words):
        return tuple(columns), origin, None
    units = [canonical_unit(word) for word in words]
    if len(set(units)) > 1 and None not in units and by_world:
        factors = np.ones(len(known))
        factors[: len(units)] = [LENGTHS[str(u)] / LENGTHS[str(units[0])] for u in units]
        columns, origin = [c * factors for c in columns], origin[: len(known)] * factors
    elif len(set(units)) > 1 or None in units:
        return tuple(columns), origin, ", ".join(dict.fromkeys(word or "none" for word in words))
    return tuple(columns), origin, words[0]


def _units(fields: dict[str, str], letters: str, world: int) -> tuple[list[str], bool]:
    """Return the units of the axes in space, and whether these are the axes of the world."""
    words = _words(fields.get("space units", ""), world)
    by_world = any(words) or "space directions" not in fields
    if not any(words):
        units = _words(fields.get("units", ""), len(letters))
        words = [u for u, letter in zip(units, letters, strict=True) if letter in "XYZ"]
    return ["" if word in ("???", "none") else word for word in words], by_world
