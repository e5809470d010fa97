"""Block by block, when the maps of the whole would be too large: only its labels are held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Step, Steps
from ..network.tiling import STAGE

if TYPE_CHECKING:
    from ..network.tiling import Inference

Slices = tuple[slice, ...]
Look = Callable[[Slices], NDArray[np.float32]]  # a part of what the network sees
Decode = Callable[[NDArray[np.float32]], NDArray[np.integer]]

_VOXELS = {2: 1024**2, 3: 128**3}  # of a block with its halo
_MARGIN = 2.0  # voxels beyond its block in which an object's centre may lie; who comes first has it
_SAME = 0.5  # share of an object in an earlier one from which the two are one


@dataclass(frozen=True)
class Block:
    """A part of an image, and the same with a halo of context."""

    core: Slices
    outer: Slices

    @property
    def inner(self) -> Slices:
        """Where the core lies in the outer part."""
        pairs = zip(self.core, self.outer, strict=True)
        return tuple(slice(c.start - o.start, c.stop - o.start) for c, o in pairs)


def blocks(shape: tuple[int, ...], halo: int, voxels: int | None = None) -> list[Block]:
    """Divide an image into equal blocks, of about `voxels` voxels with their halo."""
    ndim = len(shape)
    most = voxels or _VOXELS[ndim]
    side = max(halo, int(most ** (1 / ndim)) - 2 * halo)
    axes = []
    for size in shape:
        step = ceil(size / ceil(size / side))
        cores = [slice(a, min(a + step, size)) for a in range(0, size, step)]
        axes.append([(c, slice(max(0, c.start - halo), min(size, c.stop + halo))) for c in cores])
    return [
        Block(tuple(c for c, _ in parts), tuple(o for _, o in parts)) for parts in product(*axes)
    ]


@dataclass
class Stream:
    """An image under way, block by block.

    Attributes
    ----------
    decode : callable
        Maps, shape (C, *spatial), to objects, or to classes.
    objects : bool
        Whether it gives objects, which then belong to the block that holds their centre; classes
        belong to the block that holds the voxel.
    halo : int
        Context around each block, px: at least the radius of the objects and what the network
        needs to see around them.
    cut : int
        How many objects were seen to reach beyond the context of their block.
    """

    inference: Inference
    decode: Decode
    objects: bool
    halo: int
    voxels: int | None = None
    cut: int = 0
    _count: int = field(default=0, repr=False)

    def steps(self, shape: tuple[int, ...], look: Look) -> Steps[NDArray[np.integer]]:
        """Yield every block and return the labels, of `shape`."""
        out = np.zeros(shape, np.uint32 if self.objects else np.uint16)
        parts = blocks(shape, self.halo, self.voxels)
        for number, block in enumerate(parts):
            maps = yield from self._maps(look(block.outer), Step(STAGE, number, len(parts)))
            found = self.decode(maps)
            if self.objects:
                self._paste(out, found, block)
            else:
                out[block.core] = found[block.inner]
            yield Step(STAGE, number + 1, len(parts))
        return out

    def _maps(self, image: NDArray[np.float32], at: Step) -> Steps[NDArray[np.float32]]:
        """Return the maps of a block; each of its windows is a step, at which one may stop."""
        steps = self.inference.steps(image)
        while True:
            try:
                note = next(steps).note
            except StopIteration as end:
                maps: NDArray[np.float32] = end.value
                return maps
            yield replace(at, note=note)

    def _paste(self, out: NDArray[np.integer], found: NDArray[np.integer], block: Block) -> None:
        """Write the objects of a block that are its own, where there is room."""
        there = out[block.outer]
        own, cut = _owned(found, block, out.shape)
        size = np.bincount(found.ravel(), minlength=len(own))
        taken = np.bincount(found[there > 0].ravel(), minlength=len(own))
        own &= taken < _SAME * size
        ids = np.where(own, self._count + np.cumsum(own), 0).astype(out.dtype)
        new = ids[found]
        np.copyto(there, new, where=(there == 0) & (new > 0))
        self._count += int(own.sum())
        self.cut += int((own & cut).sum())


def _owned(
    found: NDArray[np.integer], block: Block, shape: tuple[int, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which objects (by id) belong to a block, and which reach the end of its context."""
    flat = found.ravel()
    count = int(flat.max(initial=0)) + 1
    size = np.maximum(np.bincount(flat, minlength=count), 1)
    own, cut = np.ones(count, bool), np.zeros(count, bool)
    for axis, (inner, outer) in enumerate(zip(block.inner, block.outer, strict=True)):
        place = np.arange(found.shape[axis], dtype=np.float32)
        along = place.reshape([-1 if a == axis else 1 for a in range(found.ndim)])
        middle = np.bincount(flat, np.broadcast_to(along, found.shape).ravel(), count) / size
        own &= (middle >= inner.start - _MARGIN) & (middle <= inner.stop - 1 + _MARGIN)
        for end, at_border in ((0, outer.start == 0), (-1, outer.stop == shape[axis])):
            if not at_border:
                cut[np.unique(found.take(end, axis))] = True
    own[0] = cut[0] = False
    return own, cut
