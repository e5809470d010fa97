"""Decode the pixels of NRRD and MetaImage, never more than the header claims."""

from __future__ import annotations

import bz2
import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .claimed_size import DEFLATE, check_claimed_size
from .data_file_names import data_file

if TYPE_CHECKING:
    from .itk_header import DataFiles, Header

_CHUNK = 2**20
_HEX_DIGITS = 2  # in a byte
_BZIP2 = 10_000  # bytes that a byte stands for at most; only pixels all alike pack more


def check_pixels(header: Header, path: Path, start: int) -> None:
    """Check that the files hold as many pixels as the header claims, and the memory, too.

    Raises
    ------
    FileError
        If they do not.
    ValueError
        If a data file is missing, or not beside the header.
    """
    data = header.data
    paths = [data_file(path, name) for name in data.names]
    held = sum(p.stat().st_size for p in paths) if paths else path.stat().st_size - start
    held -= max(data.start, 0) * max(len(paths), 1) * (data.codec == "raw")
    ratios = {"text": header.dtype.itemsize, "bzip2": _BZIP2}  # a number is a character at least
    if data.codec == "hex":
        held //= _HEX_DIGITS
    plain = data.codec in ("raw", "hex")
    check_claimed_size(
        path, header.sizes, header.dtype, compressed=not plain, held=max(held, 0),
        ratio=ratios.get(data.codec, DEFLATE),
    )  # fmt: skip
    if len(paths) > 1 and math.prod(header.sizes) % len(paths):
        raise ValueError(f"{math.prod(header.sizes)} voxels are not spread over {len(paths)} files")


def read_pixels(header: Header, path: Path, start: int) -> NDArray[Any]:
    """Return the pixels, the slowest axis first, in the byte order of this machine.

    Raises
    ------
    ValueError, OSError, EOFError, zlib.error
        If a file is damaged or truncated.
    """
    array = np.empty(header.sizes[::-1], header.dtype)
    paths = [data_file(path, name) for name in header.data.names] or [path]
    parts = np.split(array.reshape(-1), len(paths))
    for each, part in zip(paths, parts, strict=True):
        with each.open("rb") as file:
            file.seek(0 if header.data.names else start)
            _fill(part, file, header.data)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _fill(part: NDArray[Any], file: BinaryIO, data: DataFiles) -> None:
    for _ in range(data.lines):
        if not file.readline():
            raise ValueError("the data file has fewer lines than are to be skipped")
    if data.codec == "text":
        return _fill_text(part, file, data)
    raw = part.view(np.uint8).data
    with ExitStack() as stack:
        stream = _stream(file, data, len(raw), stack)
        done = 0
        for chunk in stream:
            raw[done : done + len(chunk)] = chunk
            done += len(chunk)
    if done < len(raw):
        raise ValueError(f"the pixels are truncated: {done:,} of {len(raw):,} bytes")
    return None


def _stream(file: BinaryIO, data: DataFiles, size: int, stack: ExitStack) -> Iterator[bytes]:
    """Yield the decoded bytes, `size` at most."""
    if data.codec == "hex":
        return _limited(_hex(file), max(data.start, 0), size)
    if data.codec == "raw":
        if data.start < 0:
            file.seek(-size, 2)
        else:
            file.seek(data.start, 1)
        return _limited(_chunks(file), 0, size)
    skip = max(data.start, 0)
    if data.codec == "zlib":
        file.seek(skip, 1)
        skip = 0
    if data.codec == "bzip2":
        opened: BinaryIO = stack.enter_context(bz2.BZ2File(file))  # type: ignore[assignment]
    elif _is_gzip(file):
        opened = stack.enter_context(gzip.GzipFile(fileobj=file))  # type: ignore[assignment]
    else:
        return _limited(_inflated(file), skip, size)
    return _limited(_chunks(opened), skip, size)


def _limited(chunks: Iterator[bytes], skip: int, size: int) -> Iterator[bytes]:
    """Yield bytes after some to skip, no more than `size`."""
    for chunk in chunks:
        kept = chunk[skip : skip + size]
        skip = max(skip - len(chunk), 0)
        size -= len(kept)
        yield kept
        if not size:
            return


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _is_gzip(file: BinaryIO) -> bool:
    at = file.tell()
    start = file.read(2)
    file.seek(at)
    return start == b"\x1f\x8b"


def _inflated(file: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a zlib stream."""
    stream = zlib.decompressobj()
    for chunk in _chunks(file):
        yield stream.decompress(chunk, _CHUNK)
        while stream.unconsumed_tail:
            yield stream.decompress(stream.unconsumed_tail, _CHUNK)
        if stream.eof:
            return


def _hex(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    for chunk in _chunks(file):
        digits = rest + b"".join(chunk.split())
        even = len(digits) // _HEX_DIGITS * _HEX_DIGITS
        yield bytes.fromhex(digits[:even].decode("ascii"))
        rest = digits[even:]


def _fill_text(part: NDArray[Any], file: BinaryIO, data: DataFiles) -> None:
    file.seek(max(data.start, 0), 1)
    done, rest = 0, b""
    while done < len(part):
        chunk = file.read(_CHUNK)
        words = (rest + chunk).replace(b",", b" ").split()
        if not words and not chunk:
            raise ValueError(f"the pixels are truncated: {done:,} of {len(part):,} numbers")
        cut = bool(words and chunk) and not chunk[-1:].isspace()
        rest = words.pop() if cut else b""
        words = words[: len(part) - done]
        part[done : done + len(words)] = _numbers(words, part.dtype)
        done += len(words)


def _numbers(words: list[bytes], dtype: np.dtype[Any]) -> NDArray[Any]:
    kind = float if dtype.kind == "f" else int
    try:
        return np.array([kind(word) for word in words], dtype)
    except OverflowError as error:
        raise ValueError(f"a number of the pixels does not fit {dtype}") from error
