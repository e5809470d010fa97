"""The arrays of an OME-Zarr: only numbers, in listed codecs, of a size that can be read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import FileError
from .claimed_size import check_free_memory
from .guarded import GuardedSource
from .voxel_size import logger

if TYPE_CHECKING:
    import zarr

# Codecs that hold numbers. Those of objects (pickle, vlen-utf8) may run code or hold no image.
_CODECS = frozenset((
    "blosc", "zlib", "gzip", "zstd", "lz4", "lzma", "bz2", "zfpy", "pcodec", "delta", "shuffle",
    "fixedscaleoffset", "quantize", "bitround", "astype", "packbits", "crc32", "crc32c", "adler32",
    "fletcher32", "jenkins_lookup3", "bytes", "endian", "transpose", "sharding_indexed",
))  # fmt: skip
_METADATA_BYTES = 2**27  # of one JSON, far above that of any plate
_MOST_CHUNKS = 2**24
_COUNTED = 4096  # chunks up to which missing ones are counted
_SPARSE = 1000  # times that an array too large for the memory may exceed what is stored
_SPARSE_SMALL = 10_000  # times that others may


def opened_group(path: Path) -> zarr.Group:
    """Open a group whose files are regular ones; its metadata are those of its own files.

    Consolidated metadata are a copy, which may be out of date.
    """
    import zarr
    from zarr.storage import LocalStore

    class Files(LocalStore):
        """Files of a folder. A pipe, which never ends, or absurdly long metadata are refused."""

        async def get(self, key: str, *args: Any, **options: Any) -> Any:
            _check_stored(Path(self.root) / key)
            return await super().get(key, *args, **options)

        async def get_partial_values(self, prototype: Any, key_ranges: Any) -> Any:
            ranges = list(key_ranges)
            for key, _ in ranges:
                _check_stored(Path(self.root) / key)
            return await super().get_partial_values(prototype, ranges)

    return zarr.open_group(Files(path, read_only=True), mode="r", use_consolidated=False)


def _check_stored(path: Path) -> None:
    if not path.exists() or path.is_dir():
        return
    if not path.is_file():
        raise FileError(f"{path} is a named pipe, a socket or a device, not a part of an image")
    if path.name.startswith((".z", "zarr.json")) and path.stat().st_size > _METADATA_BYTES:
        raise FileError(f"{path} has {path.stat().st_size:,} bytes, too many for metadata")


def lazy(array: zarr.Array, path: Path) -> Any:
    """Return a Dask array of the chunks of an array.

    Raises
    ------
    FileError
        If its values are not numbers, it has a codec that is not listed, or it is absurdly large.
    """
    import dask.array as da

    _check_values(array, path)
    _check_size(array, path)
    return da.from_array(GuardedSource(array, path), chunks=_stored_sizes(array), name=False)


def _check_values(array: zarr.Array, path: Path) -> None:
    if array.dtype.kind not in "biuf":
        raise FileError(f"{path} has values of {array.dtype}, not integers or floats")
    unknown = sorted(set(_codecs(array.metadata.to_dict())) - _CODECS)
    if unknown:
        raise FileError(
            f"{path} is stored with the codec {unknown[0]}, which is not read",
            hint="Save it with blosc, zstd or gzip",
        )


def _codecs(noted: Any) -> list[str]:
    """Return the names of all codecs in the metadata of an array, those in shards too."""
    if isinstance(noted, dict):
        found = [_codecs(noted.get(key)) for key in ("codecs", "index_codecs", "filters")]
        found += [_codecs(noted.get("compressor")), _codecs(noted.get("configuration"))]
        name = noted.get("name", noted.get("id"))
        named = name and "shape" not in noted  # an array may be called anything
        own = [str(name).lower().removeprefix("numcodecs.")] if named else []
        return own + [each for some in found for each in some]
    if isinstance(noted, list | tuple):
        return [name for each in noted for name in _codecs(each)]
    if hasattr(noted, "get_config"):  # of numcodecs
        return [str(noted.get_config()["id"]).lower()]
    return _codecs(noted.to_dict()) if hasattr(noted, "to_dict") else []


def _check_size(array: zarr.Array, path: Path) -> None:
    shape, sizes = tuple(array.shape), _stored_sizes(array)
    if not shape or min(shape) < 1 or min(sizes) < 1:
        raise FileError(f"{path} holds an array of the impossible shape {shape}")
    count, whole = _count(array), math.prod(shape) * array.dtype.itemsize
    if count > _MOST_CHUNKS or whole > 2**62:
        raise FileError(f"{path} claims the absurd shape {shape} in chunks of {sizes}")
    check_free_memory(path, math.prod(sizes) * array.dtype.itemsize)
    needed = max(count // _SPARSE, 1) if whole > _free() else count // _SPARSE_SMALL
    stored = sum(1 for _ in islice(_stored(path), needed))
    if stored < needed:
        raise FileError(
            f"{path} claims the shape {shape} in {count:,} chunks, but {stored} are stored",
            hint="Copy or export it again",
        )


def _stored_sizes(array: zarr.Array) -> tuple[int, ...]:
    """Return the sizes of what is one file: chunks, or shards of many."""
    return tuple(getattr(array, "shards", None) or array.chunks)


def _count(array: zarr.Array) -> int:
    """Return the number of files that hold a whole array."""
    return math.prod(-(-n // c) for n, c in zip(array.shape, _stored_sizes(array), strict=True))


def _free() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _stored(path: Path) -> Iterator[Path]:
    """Yield the files of the chunks of an array."""
    return (p for p in path.rglob("*") if not p.name.startswith((".", "zarr.")) and p.is_file())


def note_missing(array: zarr.Array, path: Path) -> None:
    """Say that chunks of an image are missing: they are read as the fill value, as is allowed."""
    count = _count(array)
    if count > _COUNTED:
        return
    missing = count - sum(1 for _ in _stored(path))
    if missing > 0:
        logger.warning(
            "%s: %d of %d chunks are not stored: they are read as %s, as Zarr allows.",
            path, missing, count, array.fill_value,
        )  # fmt: skip
