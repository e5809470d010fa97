"""Maps that are kept for decoding again: in memory up to a limit, on disk above it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..core.errors import FileError

LIMIT = 2**30  # bytes in memory


class KeptMaps(Sequence[NDArray[np.float16]]):
    """The maps of each plane, shape (C, *spatial); temporary files go when it goes."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.in_memory = self.on_disk = 0
        self._maps: list[NDArray[np.float16]] = []

    def append(self, maps: NDArray[np.float16]) -> None:
        """Keep the maps of one more plane.

        Raises
        ------
        FileError
            If the disk for temporary files is full.
        """
        if self.in_memory + maps.nbytes <= self.limit:
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


def _written(maps: NDArray[np.float16]) -> NDArray[np.float16]:
    file = tempfile.TemporaryFile(prefix="napari-tally-maps-")  # noqa: SIM115 (the map holds it)
    try:
        np.ascontiguousarray(maps).tofile(file)
        file.flush()
    except OSError as error:
        file.close()
        raise FileError(
            f"{maps.nbytes / 2**20:,.0f} MiB for temporary files are needed to keep the maps",
            f"{error.strerror or error} in {tempfile.gettempdir()}",
            "Make room there, or do not keep the maps",
        ) from error
    return np.memmap(file, np.float16, "r", shape=maps.shape)
