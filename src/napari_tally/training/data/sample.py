"""An image of the training, validation or test set, ready for the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """A normalized image, shape (C, *spatial), float32, with its labels, shape (*spatial).

    `weight` is its relative probability to be drawn. `known`, shape (*spatial), is the annotated
    region, None for everywhere.
    """

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.integer]
    weight: float = 1.0
    known: NDArray[np.bool_] | None = None

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The ids of what is labelled, without the background."""
        return tuple(self._order[1].tolist())

    @cached_property
    def _order(self) -> tuple[NDArray[np.intp], NDArray[np.integer], NDArray[np.intp]]:
        """The flat indices of all labelled voxels by id, the ids, and the start of each."""
        labels = self.labels if self.known is None else np.where(self.known, self.labels, 0)
        places = np.flatnonzero(labels)
        ids = labels.ravel()[places]
        order = np.argsort(ids, kind="stable")
        return (places[order], *np.unique(ids[order], return_index=True))

    def place(self, label: int, rng: np.random.Generator) -> tuple[int, ...]:
        """Return a random voxel of an id."""
        places, ids, starts = self._order
        number = int(np.searchsorted(ids, label))
        stop = starts[number + 1] if number + 1 < len(starts) else len(places)
        return self._index(int(places[rng.integers(starts[number], stop)]))

    @cached_property
    def _known_until(self) -> NDArray[np.intp]:
        """Cumulative number of annotated voxels by plane, or by row in 2D."""
        assert self.known is not None
        return np.cumsum(self.known.reshape(len(self.known), -1).sum(1))

    def known_place(self, rng: np.random.Generator) -> tuple[int, ...] | None:
        """Return a random annotated voxel, None if all or none are annotated."""
        if self.known is None or not self._known_until[-1]:
            return None
        number = int(rng.integers(self._known_until[-1]))
        plane = int(np.searchsorted(self._known_until, number, side="right"))
        places = np.flatnonzero(self.known[plane])
        before = int(self._known_until[plane]) - len(places)
        return plane, *map(int, np.unravel_index(places[number - before], self.known.shape[1:]))

    def any_place(self, window: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        """Return the middle of a random window within the image, as far as it fits."""
        return tuple(
            int(rng.integers(max(n - size, 0) + 1)) + size // 2
            for n, size in zip(self.labels.shape, window, strict=True)
        )

    def around(self, place: tuple[int, ...], window: tuple[int, ...]) -> Sample:
        """Return the part of a window around a voxel, within the image."""
        starts = [
            min(max(0, at - size // 2), max(0, n - size))
            for at, size, n in zip(place, window, self.labels.shape, strict=True)
        ]
        cut = tuple(slice(s, s + size) for s, size in zip(starts, window, strict=True))
        known = None if self.known is None else self.known[cut]
        return replace(
            self, image=self.image[(slice(None), *cut)], labels=self.labels[cut], known=known
        )

    def _index(self, flat: int) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(flat, self.labels.shape))
