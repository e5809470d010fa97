"""Where the pixels of a DICOM file are, and whether the file holds as many as it announces."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import FileError
from .claimed_size import check_claimed_size

if TYPE_CHECKING:
    import mmap

    from pydicom import Dataset

_PIXELS = {(0x7FE0, 0x0008): "f4", (0x7FE0, 0x0009): "f8", (0x7FE0, 0x0010): ""}
_ITEM, _END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_LONG_VR = (b"OB", b"OW", b"OF", b"OD", b"UN")
_UNDEFINED = 0xFFFFFFFF
_MAX_RATIO = 10_000  # of JPEG 2000 and others; only pixels all alike pack more
DEFLATED = "1.2.840.10008.1.2.1.99"


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelData:
    """How the pixels of a file are stored.

    Attributes
    ----------
    dtype : str
        Of a stored number.
    bits : int
        Of a number, of those of its dtype.
    samples, frames : int
        Numbers of a pixel, and planes in the file.
    look : str
        Photometric interpretation.
    start, length : int
        Place of the pixels in the file; 0 if that is not known (deflated).
    kind : str
        DICOM's word for their type: OB, OW, ...
    """

    dtype: str
    bits: int
    samples: int
    frames: int
    look: str
    start: int = 0
    length: int = 0
    kind: str = "OW"


def pixel_data(header: Dataset, file: mmap.mmap, path: Path) -> PixelData:
    """Return how pixels are stored, if the file holds all of them.

    Raises
    ------
    FileError
        If there are none, or fewer than announced.
    """
    rows, columns = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
    frames = int(header.get("NumberOfFrames") or 1)
    samples = int(header.get("SamplesPerPixel") or 1)
    syntax = header.file_meta.get("TransferSyntaxUID")
    deflated = syntax == DEFLATED
    place = None if deflated else _element(file, syntax)
    if place is None and not deflated:
        raise FileError(f"{path} ends before its pixels")
    floats, start, length, kind = ("", 0, 0, "OW") if place is None else place
    allocated = int(header.get("BitsAllocated") or 0)
    if not floats and allocated not in (1, 8, 16, 32, 64):
        raise FileError(f"{path} has pixels of {allocated} bits")
    dtype = floats or f"{'i' if header.get('PixelRepresentation') else 'u'}{max(allocated // 8, 1)}"
    look = str(header.get("PhotometricInterpretation") or "").upper()
    shape = (frames, rows, columns, samples)
    if length == _UNDEFINED or deflated:
        check_claimed_size(path, shape, dtype, compressed=True, loaded=False, ratio=_MAX_RATIO)
        if not deflated:
            length = _fragments_end(file, start, frames, path) - start
    else:
        _check_native(path, shape, dtype, allocated, look, min(length, len(file) - start))
    return PixelData(
        dtype=dtype,
        bits=int(header.get("BitsStored") or allocated),
        samples=samples,
        frames=frames,
        look=look,
        start=start,
        length=length,
        kind=kind,
    )


def _check_native(
    path: Path, shape: tuple[int, ...], dtype: str, allocated: int, look: str, held: int
) -> None:
    """Refuse fewer bytes than rows, columns and frames take."""
    if min(shape) < 1:
        raise FileError(f"{path} claims {' x '.join(map(str, shape))} numbers")
    numbers = math.prod(shape)
    needed = -(-numbers * allocated // 8) if allocated == 1 else numbers * np.dtype(dtype).itemsize
    needed = needed * 2 // 3 if look == "YBR_FULL_422" else needed
    if held < needed:
        raise FileError(f"{path} holds {held:,} of the {needed:,} bytes of its pixels")


def _element(file: mmap.mmap, syntax: Any) -> tuple[str, int, int, str] | None:
    """Return type of floats, place, length and kind of the pixels at which a file is open."""
    order = ">" if syntax is not None and not syntax.is_little_endian else "<"
    at = file.tell()
    head = file[at : at + 12]
    if len(head) < 8 or (tag := struct.unpack(f"{order}HH", head[:4])) not in _PIXELS:
        return None
    if head[4:6] in _LONG_VR and len(head) == 12:
        return _PIXELS[tag], at + 12, struct.unpack(f"{order}I", head[8:])[0], head[4:6].decode()
    return _PIXELS[tag], at + 8, struct.unpack(f"{order}I", head[4:8])[0], "OW"


def _fragments_end(file: mmap.mmap, start: int, frames: int, path: Path) -> int:
    """Return where compressed pixels end.

    Raises
    ------
    FileError
        If they are cut, or have fewer fragments than frames.
    """
    at, fragments = start, -1  # the first is the table of offsets
    while at < len(file):
        if at + 8 > len(file):
            raise FileError(f"{path} is truncated at {len(file):,} bytes")
        group, element, length = struct.unpack("<HHI", file[at : at + 8])
        if (group, element) == _END:
            break
        if (group, element) != _ITEM or at + 8 + length > len(file):
            raise FileError(f"{path} is truncated at {len(file):,} bytes")
        at, fragments = at + 8 + length, fragments + 1
    if fragments < frames:
        raise FileError(f"{path} holds {max(fragments, 0)} of its {frames} planes")
    return at
