"""Measure objects of arrays larger than memory, slab by slab, with the same results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.progress import Step, Steps
from ..objects.relabel import ids_of, smallest, whole_numbers
from .declare.feature import Cost
from .declare.object_data import Objects
from .declare.options import Measurements
from .kernels.cube_configurations import CLASSES, configuration_counts
from .kernels.moments import Moments, Sums, sums
from .measure import channels_of, endings_of, table_of, voxel_size
from .registry import chosen

if TYPE_CHECKING:
    import pandas as pd

STAGE = "measure"
SLAB_BYTES = 2**28


@dataclass(frozen=True)
class StoredObjects(Objects):
    """Objects with known sums, whose labels are not in memory."""

    sums: Sums | None = None
    counts: NDArray[np.int64] | None = None

    @property
    def moments(self) -> Moments:
        """Moments, from the sums over the slabs."""
        assert self.sums is not None
        return self.sums.moments()

    @property
    def configurations(self) -> NDArray[np.int64]:
        """Voxel configurations at the borders, counted over the slabs."""
        assert self.counts is not None
        return self.counts


def measure_stored_steps(
    labels: Any,
    image: Any = None,
    spacing: Sequence[float] | None = None,
    unit: str | None = None,
    channel_names: Sequence[str] = (),
    options: Measurements | None = None,
    slab_bytes: int = SLAB_BYTES,
) -> Steps[pd.DataFrame]:
    """Measure as `measure` does, reading slabs along the first spatial axis; yield after each.

    Parameters
    ----------
    labels, image
        As for `measure`: anything with shape, dtype and slicing (dask, zarr). Each slab is read
        twice, first for the ids.
    slab_bytes : int
        Approximate size of a slab of labels and image.

    Raises
    ------
    InputError
        If a group needs the whole array in memory, or see `measure`.
    """
    options = options or Measurements()
    large = [group.name for group in chosen(options.groups) if group.cost is not Cost.PASS]
    if large:
        raise InputError(
            f"Groups that need the whole array in memory: {', '.join(large)}",
            hint="Leave them out, or crop the image",
        )
    if labels.dtype == np.bool_:
        raise InputError("A mask (bool) has no ids: split it into connected components first")
    cuts = _cuts(labels, image, slab_bytes)
    ids = _ids(labels[:0])
    for number, cut in enumerate(cuts):
        yield Step(STAGE, number, 2 * len(cuts))
        ids = np.union1d(ids, _ids(labels[cut]))
    reader = _Reader(labels, image, ids)
    total = _Totals(len(ids), reader.channel_count)
    for number, (cut, after) in enumerate(zip(cuts, [*cuts[1:], None], strict=True)):
        yield Step(STAGE, len(cuts) + number, 2 * len(cuts))
        total.add(reader, cut, more=after is not None)
    size, length = voxel_size(spacing, unit, len(labels.shape))
    endings = tuple(endings_of(reader.channel_count, tuple(channel_names)))
    none = np.empty((reader.channel_count, 0), np.uint8)
    return table_of(
        StoredObjects(labels, ids, none, endings, size, length, options, total.sums, total.counts)
    )


class _Reader:
    """Reads slabs of labels, with consecutive ids, and of the image."""

    def __init__(self, labels: Any, image: Any, ids: NDArray[np.integer]) -> None:
        self.labels, self.image = labels, image
        self.number = {0: 0} | dict(zip(ids.tolist(), range(1, len(ids) + 1), strict=True))
        self.kind = smallest(len(ids))
        first = channels_of(self._image_of(slice(0, 1)), np.asarray(labels[:1]).shape)
        self.channel_count = len(first)

    def ids(self, cut: slice) -> NDArray[np.unsignedinteger[Any]]:
        import fastremap

        given = whole_numbers(np.asarray(self.labels[cut]))
        numbered: NDArray[np.unsignedinteger[Any]] = fastremap.remap(given, self.number)
        return np.ascontiguousarray(numbered, self.kind)

    def channels(self, cut: slice, shape: tuple[int, ...]) -> NDArray[Any]:
        return channels_of(self._image_of(cut), shape)

    def _image_of(self, cut: slice) -> Any:
        if self.image is None:
            return None
        several = len(self.image.shape) > len(self.labels.shape)
        return np.asarray(self.image[:, cut] if several else self.image[cut])


class _Totals:
    """The sums of the slabs so far."""

    def __init__(self, n_objects: int, channels: int) -> None:
        self.n_objects = n_objects
        empty = np.zeros((1, 1, 1), np.uint16)
        self.sums = sums(empty, np.zeros((channels, 1, 1, 1), np.uint8), n_objects)
        self.counts = np.zeros((n_objects, CLASSES + 1), np.int64)

    def add(self, reader: _Reader, cut: slice, *, more: bool) -> None:
        """Add a slab, with the first plane of the next slab if there are more.

        That plane is then in two slabs, so its own counts are subtracted once: cells across both
        slabs are counted as in the whole array, without borders between slabs.
        """
        labels = reader.ids(slice(cut.start, cut.stop + more))
        self.counts += configuration_counts(labels, self.n_objects)
        if more:
            self.counts -= configuration_counts(labels[-1:], self.n_objects)
        own = labels[: cut.stop - cut.start]
        stack = own.reshape((1,) * (3 - own.ndim) + own.shape)
        image = reader.channels(cut, own.shape)
        at = (cut.start, 0, 0) if own.ndim == 3 else (0, cut.start, 0)
        part = sums(stack, image.reshape(len(image), *stack.shape), self.n_objects, at)
        self.sums = self.sums + part


def _cuts(labels: Any, image: Any, slab_bytes: int) -> list[slice]:
    """Return slabs along the first spatial axis."""
    plane = labels.nbytes + (0 if image is None else image.nbytes)
    length = int(labels.shape[0])
    step = max(1, int(slab_bytes * length / max(1, plane)))
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]


def _ids(slab: Any) -> NDArray[np.integer[Any]]:
    return ids_of(whole_numbers(np.asarray(slab)))
