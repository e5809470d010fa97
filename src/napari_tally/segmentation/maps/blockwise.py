"""Predict and decode maps that are too large for memory block by block, in a file on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.float16 import write
from ...core.progress import Step, Steps
from ...network.freed_memory import give_back_memory
from ...network.tiled_inference import STAGE
from ...objects.merge_blocks import add, measure_overlap
from .decoded_objects import DecodedObjects
from .kept_maps import on_disk

if TYPE_CHECKING:
    from ...network.tiled_inference import Inference

Slices = tuple[slice, ...]
Part = Callable[[Slices], NDArray[np.float32]]  # returns a part of the network's input
Decode = Callable[[NDArray[np.floating]], NDArray[np.integer]]
DecodeObjects = Callable[[NDArray[np.floating]], DecodedObjects]

DECODE = "decode block by block"
_VOXELS = {2: 2048**2, 3: 176**3}  # of a block with its halo
_MARGIN = 2.0  # voxels that a centre may be outside its block; the first such block counts
_SAME = 0.5  # minimum overlap with earlier objects at which an object is a duplicate


@dataclass(frozen=True)
class Block:
    """A part of an image, without and with its halo of context."""

    core: Slices
    outer: Slices

    @property
    def inner(self) -> Slices:
        """Position of the core in the outer part."""
        pairs = zip(self.core, self.outer, strict=True)
        return tuple(slice(c.start - o.start, c.stop - o.start) for c, o in pairs)


def blocks(
    shape: tuple[int, ...], halo: int, voxels: int | None = None, align: int = 1
) -> list[Block]:
    """Divide an image into equal blocks, of about `voxels` voxels with their halo.

    With the halo they start at multiples of `align`.
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
    """Return the maximum number of voxels of a block with its halo."""
    return _VOXELS[ndim]


def mapped_by_block_steps(
    inference: Inference, channels: int, shape: tuple[int, ...], part: Part
) -> Steps[NDArray[np.float16]]:
    """Run the network block by block; return the maps, (channels, *shape), in a temporary file.

    Each block has the halo of the tiles around it, so its maps equal those of the whole image.

    Raises
    ------
    FileError
        If the disk for temporary files is full.
    """
    maps = on_disk((channels, *shape))
    # Aligned to the network's stride, as tiles are: otherwise the maps would differ.
    parts = blocks(shape, inference.tiling.halo, align=inference.stride)
    for number, block in enumerate(parts):
        at = Step(STAGE, number, len(parts))
        block_maps = yield from _as_one_step(inference.steps(part(block.outer)), at)
        write(block_maps[(slice(None), *block.inner)], maps[(slice(None), *block.core)])
        del block_maps
        give_back_memory()
        yield replace(at, done=number + 1)
    return maps


def _as_one_step(steps: Steps[NDArray[np.float32]], at: Step) -> Steps[NDArray[np.float32]]:
    """Relay the steps and notes of a block as one step, so that a run can still stop at each."""
    while True:
        try:
            note = next(steps).note
        except StopIteration as end:
            maps: NDArray[np.float32] = end.value
            return maps
        yield replace(at, note=note)


def classes_by_block_steps(
    maps: NDArray[np.floating], decode: Decode
) -> Steps[NDArray[np.integer]]:
    """Decode maps to classes, voxel by voxel; yield every block."""
    out = np.zeros(maps.shape[1:], np.uint16)
    parts = blocks(out.shape, 0)
    for number, block in enumerate(parts):
        out[block.core] = decode(maps[(slice(None), *block.core)])
        give_back_memory()
        yield Step(DECODE, number + 1, len(parts))
    return out


def objects_by_block_steps(
    maps: NDArray[np.floating], decode: DecodeObjects, halo: int
) -> Steps[DecodedObjects]:
    """Decode maps to objects, and count those that may be cut; yield every block.

    An object belongs to the block that contains its centre. The halo should be at least the radius
    of the objects; those that extend beyond the halo are counted.
    """
    out = np.zeros(maps.shape[1:], np.uint32)
    parts, count, cut = blocks(out.shape, halo), 0, 0
    evidence = []
    for number, block in enumerate(parts):
        found = decode(maps[(slice(None), *block.outer)])
        placed = out[block.outer]
        size, center, covered = measure_overlap(found.labels, placed)
        own = _owned(center, block) & (covered < _SAME * size)
        ids = np.where(own, count + np.cumsum(own), 0).astype(out.dtype)
        evidence.append(found.evidence[own[1:]])
        add(found.labels, ids, placed)
        count += int(own.sum())
        cut += int((own & _cut(found.labels, block, out.shape, len(own))).sum())
        del found
        give_back_memory()
        yield Step(DECODE, number + 1, len(parts))
    return DecodedObjects(out, np.concatenate(evidence), cut=cut)


def _owned(center: NDArray[np.float64], block: Block) -> NDArray[np.bool_]:
    """Return which ids have their centre in the core of a block."""
    inner = np.array([(part.start, part.stop - 1) for part in block.inner])
    inside = (center >= inner[:, 0] - _MARGIN) & (center <= inner[:, 1] + _MARGIN)
    own = np.asarray(inside.all(axis=1))
    own[0] = False
    return own


def _cut(
    found: NDArray[np.integer], block: Block, shape: tuple[int, ...], count: int
) -> NDArray[np.bool_]:
    """Return which of `count` ids touch the end of a block's halo inside the image."""
    cut = np.zeros(count, bool)
    for axis, outer in enumerate(block.outer):
        for end, at_border in ((0, outer.start == 0), (-1, outer.stop == shape[axis])):
            if not at_border:
                cut[np.unique(found.take(end, axis))] = True
    cut[0] = False
    return cut
