"""Keep maps to decode them again: in memory up to a limit, on disk above it."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ...core.errors import FileError

LIMIT = 2**30  # bytes in memory


class KeptMaps(Sequence[NDArray[np.float16]]):
    """The maps of each plane, shape (C, *spatial); temporary files are deleted with it."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.in_memory = self.on_disk = 0
        self._maps: list[NDArray[np.float16]] = []

    def append(self, maps: NDArray[np.float16]) -> None:
        """Add the maps of a plane.

        Raises
        ------
        FileError
            If the disk for temporary files is full.
        """
        if isinstance(maps, np.memmap):
            self._maps.append(maps)
            self.on_disk += maps.nbytes
        elif self.in_memory + maps.nbytes <= self.limit:
            self.in_memory += maps.nbytes
            self._maps.append(maps)
        else:
            self._maps.append(_written(maps))
            self.on_disk += maps.nbytes

    @overload
    def __getitem__(self, index: int) -> NDArray[np.float16]: ...
    @overload
    def __getitem__(self, index: slice) -> list[NDArray[np.float16]]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._maps[index]

    def __iter__(self) -> Iterator[NDArray[np.float16]]:
        return iter(self._maps)

    def __len__(self) -> int:
        return len(self._maps)


def on_disk(shape: tuple[int, ...]) -> NDArray[np.float16]:
    """Return a float16 array in a temporary file that is deleted with the array.

    Raises
    ------
    FileError
        If the disk for temporary files is too full.
    """
    size = 2 * math.prod(shape)
    with tempfile.TemporaryFile(prefix="napari-tally-maps-") as file:
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if free < size:
            raise FileError(
                f"The prediction maps need {size / 2**20:,.0f} MiB for temporary files, but "
                f"{tempfile.gettempdir()} has {free / 2**20:,.0f} MiB free",
                hint="Free some disk space, or crop the image",
            )
        return np.memmap(file, np.float16, "w+", shape=shape)


def _written(maps: NDArray[np.float16]) -> NDArray[np.float16]:
    stored = on_disk(maps.shape)
    stored[...] = maps
    return stored
