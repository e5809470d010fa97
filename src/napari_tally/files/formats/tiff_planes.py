"""The planes of a recording in one TIFF or in several: which are there, and reading them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ...core.errors import FileError
from .claimed_size import check_free_memory
from .integrity import check_pages, check_tiff
from .voxel_size import logger

Index = tuple[int, ...]


@dataclass(frozen=True)
class Planes:
    """Planes by their place along the outer axes of an image.

    Attributes
    ----------
    axes : str
        The outer axes: "TCZ" in any order.
    shape : tuple of int
        Their lengths by the metadata.
    found : dict
        Index along the axes to file and number of the page, for those that are there.
    """

    axes: str
    shape: tuple[int, ...]
    found: dict[Index, tuple[Path, int]]

    @property
    def complete(self) -> bool:
        """Whether all planes of the metadata are there."""
        return len(self.found) == math.prod(self.shape)

    def files(self) -> set[Path]:
        """Return the files with planes that are there."""
        return {path for path, _ in self.found.values()}

    def kept(self) -> list[list[int]]:
        """Return the indices along each axis of the largest block that has all of its planes.

        Of a recording that was stopped, these are its complete time points, or the slices of which
        all channels are there; of a set of which files are missing, the channels that are there.
        """
        present = [sorted({index[at] for index in self.found}) for at in range(len(self.axes))]
        if math.prod(map(len, present)) == len(self.found):
            return present
        blocks = []
        for at, places in enumerate(present):
            counts = Counter(index[at] for index in self.found)
            whole = math.prod(len(p) for other, p in enumerate(present) if other != at)
            full = [place for place in places if counts[place] == whole]
            blocks.append([*present[:at], full, *present[at + 1 :]])
        return max(blocks, key=lambda block: math.prod(map(len, block)))

    def read(self, path: Path, *, voxels: bool) -> tuple[NDArray[Any], str, tifffile.TiffPage]:
        """Return the planes that are there, (*axes, *page), the axes of a page, and one page.

        Raises
        ------
        FileError
            If there are none, or they differ in shape or type, or do not fit in the memory.
        """
        kept = self.kept()
        shape = tuple(map(len, kept))
        if not math.prod(shape):
            raise FileError(
                f"{path} lacks {math.prod(self.shape)} of its {math.prod(self.shape)} planes",
                hint="If the recording has several files, put them into the same folder",
            )
        self._note(path, kept)
        places = [{index: n for n, index in enumerate(along)} for along in kept]
        wanted = [
            (source, tuple(p[i] for p, i in zip(places, index, strict=True)))
            for index, source in self.found.items()
            if all(i in p for p, i in zip(places, index, strict=True))
        ]
        first, array = None, None
        for page, at in _pages(wanted if voxels else wanted[:1]):
            if first is None or array is None:
                first = page
                array = _empty(path, shape, page, voxels=voxels)
            if (page.shape, page.dtype) != (first.shape, first.dtype):
                raise FileError(
                    f"The planes of {path} differ: {first.shape} and {page.shape}",
                    hint="Choose one image with --series",
                )
            if voxels:
                array[at] = page.asarray()
        assert first is not None and array is not None  # there is a plane
        return array, first.axes, first

    def _note(self, path: Path, kept: list[list[int]]) -> None:
        """Say which other files were read, and what is missing."""
        others = len(self.files() - {path})
        if others:
            files = "1 other file" if others == 1 else f"{others} other files"
            logger.warning("%s: read with %s of its recording.", path.name, files)
        if not self.complete:
            parts = zip(self.axes, kept, self.shape, strict=True)
            text = ", ".join(f"{a} {len(k)} of {n}" for a, k, n in parts if len(k) < n)
            logger.warning(
                "%s: %d of %d planes are not there; read %s.", path.name,
                math.prod(self.shape) - len(self.found), math.prod(self.shape), text,
            )  # fmt: skip


def _pages(
    wanted: list[tuple[tuple[Path, int], Index]],
) -> Iterator[tuple[tifffile.TiffPage, Index]]:
    """Yield pages and where they belong, file by file."""
    for path, planes in groupby(sorted(wanted), key=lambda each: each[0][0]):
        check_tiff(path)
        with tifffile.TiffFile(path) as tif:
            for (_, number), at in planes:
                page = tif.pages[number]
                whole = page if isinstance(page, tifffile.TiffPage) else page.aspage()
                check_pages([whole], path)
                yield whole, at


def _empty(
    path: Path, shape: tuple[int, ...], page: tifffile.TiffPage, *, voxels: bool
) -> NDArray[Any]:
    if page.dtype is None:
        raise FileError(f"The TIFF {path} has pixels of an unknown type")
    whole = (*shape, *page.shape)
    if not voxels:
        return np.broadcast_to(np.zeros((), page.dtype), whole)
    check_free_memory(path, math.prod(whole) * page.dtype.itemsize)
    return np.empty(whole, page.dtype)
