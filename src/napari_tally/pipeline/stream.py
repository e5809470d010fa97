"""Block by block, where the maps of the whole are too large for memory: they go to disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Step, Steps
from ..network.allocator import give_back_memory
from ..network.tiling import STAGE
from .found import Found
from .maps import on_disk

if TYPE_CHECKING:
    from ..network.tiling import Inference

Slices = tuple[slice, ...]
Look = Callable[[Slices], NDArray[np.float32]]  # a part of what the network sees
Decode = Callable[[NDArray[np.floating]], NDArray[np.integer]]
DecodeObjects = Callable[[NDArray[np.floating]], Found]

DECODE = "separate block by block"
_VOXELS = {2: 2048**2, 3: 176**3}  # of a block with its halo
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


def blocks(
    shape: tuple[int, ...], halo: int, voxels: int | None = None, align: int = 1
) -> list[Block]:
    """Divide an image into equal blocks, of about `voxels` voxels with their halo.

    Those with their halo begin at multiples of `align`.
    """
    ndim = len(shape)
    most = voxels or _VOXELS[ndim]
    side = max(halo, int(most ** (1 / ndim)) - 2 * halo)
    axes = []
    for size in shape:
        step = ceil(size / ceil(size / side))
        cores = [slice(a, min(a + step, size)) for a in range(0, size, step)]
        starts = [max(0, (c.start - halo) // align * align) for c in cores]
        outers = [slice(a, min(size, c.stop + halo)) for a, c in zip(starts, cores, strict=True)]
        axes.append(list(zip(cores, outers, strict=True)))
    return [
        Block(tuple(c for c, _ in parts), tuple(o for _, o in parts)) for parts in product(*axes)
    ]


def block_voxels(ndim: int) -> int:
    """Return how many voxels a block has at most, with its halo."""
    return _VOXELS[ndim]


def mapped_by_block_steps(
    inference: Inference, channels: int, shape: tuple[int, ...], look: Look
) -> Steps[NDArray[np.float16]]:
    """Yield every window and return the maps, (channels, *shape), in a temporary file.

    Each block is seen with the halo of the windows around it, so that it comes out as in the whole.

    Raises
    ------
    FileError
        If the disk for temporary files is full.
    """
    maps = on_disk((channels, *shape))
    # On the network's stride, as windows are: else objects would come out differently.
    parts = blocks(shape, inference.tiling.halo, align=inference.stride)
    for number, block in enumerate(parts):
        at = Step(STAGE, number, len(parts))
        found = yield from _quiet(inference.steps(look(block.outer)), at)
        maps[(slice(None), *block.core)] = found[(slice(None), *block.inner)]
        del found
        give_back_memory()
        yield replace(at, done=number + 1)
    return maps


def _quiet(steps: Steps[NDArray[np.float32]], at: Step) -> Steps[NDArray[np.float32]]:
    """Relay steps as if no time passed: one may stop at each, and their notes are heard."""
    while True:
        try:
            note = next(steps).note
        except StopIteration as end:
            found: NDArray[np.float32] = end.value
            return found
        yield replace(at, note=note)


def classes_by_block_steps(
    maps: NDArray[np.floating], decode: Decode
) -> Steps[NDArray[np.integer]]:
    """Yield every block and return the classes of maps, decoded voxel by voxel."""
    out = np.zeros(maps.shape[1:], np.uint16)
    parts = blocks(out.shape, 0)
    for number, block in enumerate(parts):
        out[block.core] = decode(maps[(slice(None), *block.core)])
        give_back_memory()
        yield Step(DECODE, number + 1, len(parts))
    return out


def objects_by_block_steps(
    maps: NDArray[np.floating], decode: DecodeObjects, halo: int
) -> Steps[tuple[Found, int]]:
    """Yield every block; return the objects of maps, and how many may have been cut.

    An object belongs to the block that holds its centre. The halo is to be at least the radius of
    the objects; larger ones that reach beyond the halo are counted.
    """
    out = np.zeros(maps.shape[1:], np.uint32)
    parts, count, large = blocks(out.shape, halo), 0, 0
    evidence = []
    for number, block in enumerate(parts):
        found = decode(maps[(slice(None), *block.outer)])
        own, cut = _owned(found.labels, block, out.shape)
        there = out[block.outer]
        own &= ~_taken(found.labels, there, len(own))
        ids = np.where(own, count + np.cumsum(own), 0).astype(out.dtype)
        evidence.append(found.evidence[own[1:]])
        new = ids[found.labels]
        np.copyto(there, new, where=(there == 0) & (new > 0))
        count += int(own.sum())
        large += int((own & cut).sum())
        del found, new
        give_back_memory()
        yield Step(DECODE, number + 1, len(parts))
    return Found(out, np.concatenate(evidence)), large


def _taken(found: NDArray[np.integer], there: NDArray[np.integer], count: int) -> NDArray[np.bool_]:
    """Tell which objects (by id) lie where an earlier block had most of them already."""
    size = np.bincount(found.ravel(), minlength=count)
    covered: NDArray[np.bool_] = np.bincount(found[there > 0], minlength=count) >= _SAME * size
    return covered


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
