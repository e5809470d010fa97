"""The header of MetaImage (https://itk.org/Wiki/ITK/MetaIO/Documentation)."""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .data_file_names import listed, patterned
from .itk_header import DataFiles, Header, HeaderLines, numbers, whole, wholes

_DTYPES = {
    "MET_CHAR": "i1", "MET_ASCII_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2",
    "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_OTHER_NAMES = {
    "offset": ("position", "origin"),
    "transformmatrix": ("rotation", "orientation"),
    "elementbyteordermsb": ("binarydatabyteordermsb",),
    "elementspacing": ("elementsize",),
}
_KEY = re.compile(r"\s*([^=:]+?)\s*[=:]\s?(.*)")
_MAX_AXES = 4


def read_metaimage(file: BinaryIO) -> Header:
    """Read the header of an open MetaImage.

    Raises
    ------
    ValueError
        If it is not valid.
    """
    lines = HeaderLines(file)
    fields, notes = _fields(lines)
    for name in ("NDims", "DimSize", "ElementType", "ElementDataFile"):
        if name.lower() not in fields:
            raise ValueError(f"the header has no {name}")
    ndim = whole(fields["ndims"], "NDims", 2, _MAX_AXES)
    sizes = wholes(fields["dimsize"], "DimSize", 1, 2**40)
    if len(sizes) != ndim:
        raise ValueError(f"it has {ndim} axes, but the DimSize {fields['dimsize'][:60]}")
    kind = fields["elementtype"].upper().removesuffix("_ARRAY")
    if kind not in _DTYPES:
        raise ValueError(f"its values are {fields['elementtype'][:40]!r}, not integers or floats")
    parts = whole(fields.get("elementnumberofchannels", "1"), "ElementNumberOfChannels", 1, 2**20)
    columns, origin = _geometry(fields, ndim)
    return Header(
        sizes=((parts,) if parts > 1 else ()) + sizes,
        letters="C" * (parts > 1) + "XYZ?"[:ndim],
        dtype=np.dtype((">" if _true(fields, "elementbyteordermsb") else "<") + _DTYPES[kind]),
        data=_data(fields, lines),
        columns=columns,
        origin=origin,
        unit=fields.get("distanceunits", "?").strip("? ") or None,
        notes=notes,
    )


def _fields(lines: HeaderLines) -> tuple[dict[str, str], dict[str, str]]:
    """Return the fields in lower case, and all as they are."""
    fields: dict[str, str] = {}
    notes: dict[str, str] = {}
    while (line := lines.next()) is not None:
        match = _KEY.fullmatch(line)
        if match is None:
            if line.strip():
                raise ValueError(f"{line[:40]!r} is no line of a MetaImage header")
            continue
        fields[match[1].lower()], notes[match[1]] = match[2].strip(), match[2]
        if match[1].lower() == "elementdatafile":
            break
    for name, others in _OTHER_NAMES.items():
        found = next((fields[other] for other in others if other in fields), None)
        if name not in fields and found is not None:
            fields[name] = found
    if fields.get("objecttype", "image").lower() != "image":
        raise ValueError(f"it is a {fields['objecttype'][:40]!r}, not an image")
    return fields, notes


def _true(fields: dict[str, str], name: str) -> bool:
    return fields.get(name, "").lower() in ("true", "t", "1")


def _data(fields: dict[str, str], lines: HeaderLines) -> DataFiles:
    text = fields["elementdatafile"]
    start = whole(fields.get("headersize", "0"), "HeaderSize", -1, 2**62)
    if fields.get("binarydata", "true").lower() in ("false", "f", "0"):
        codec = "text"
    else:
        codec = "zlib" if _true(fields, "compresseddata") else "raw"
    if text.lower() == "local":
        return DataFiles(codec=codec)
    names = listed(lines) if text.split()[:1] == ["LIST"] else patterned(text)
    return DataFiles(names=names, start=start, codec=codec)


def _geometry(
    fields: dict[str, str], ndim: int
) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64]]:
    """Return the step of each axis in space, and the origin."""
    space = min(ndim, 3)
    origin = numbers(fields.get("offset", "0 " * ndim), "Offset", ndim)[:space]
    if "elementspacing" not in fields:
        return (), origin
    sizes = numbers(fields["elementspacing"], "ElementSpacing", ndim)
    turn = numbers(
        fields.get("transformmatrix", " ".join(map(str, np.eye(ndim).ravel()))),
        "TransformMatrix", ndim * ndim,
    ).reshape(ndim, ndim)[:space, :space]  # fmt: skip
    return tuple(size * row for size, row in zip(sizes[:space], turn, strict=True)), origin
