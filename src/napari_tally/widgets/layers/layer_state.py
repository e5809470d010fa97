"""What the data of a layer are, and where: a checksum that changes when they are edited."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from ...core.progress import Step, Steps, drain

if TYPE_CHECKING:
    from napari.layers import Layer

QUICK_VOXELS = 2**24  # labels that are checked and measured again at once
_SLAB = 2**24  # voxels read at once
State = tuple[Any, ...]
PLACE = ("scale", "translate", "rotate", "shear", "affine", "units")  # events of a layer


def state_of(layers: Iterable[Layer]) -> State:
    """Return the state of the data and the place of layers, which an undo restores."""
    return drain(state_steps(layers))


def state_steps(layers: Iterable[Layer]) -> Steps[State]:
    """Return the state of layers; yield after every part of an array."""
    states: list[tuple[str, Any]] = []
    for layer in layers:
        array = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
        if not isinstance(layer, Labels) or layer.multiscale:
            states.append((_place(layer), id(array)))  # images are replaced, not painted
            continue
        yield Step("check", len(states), len(states) + 1)
        states.append((_place(layer), (yield from _checksum_steps(array))))
    return tuple(states)


def _place(layer: Layer) -> str:
    """Return what places a layer in the world: its sizes are measured with it."""
    numbers = (layer.scale, layer.translate, layer.rotate, layer.shear, layer.affine.affine_matrix)
    return f"{[np.asarray(n).tolist() for n in numbers]} {layer.units}"


def are_quick(layers: Iterable[Layer]) -> bool:
    """Return whether label layers are small enough, and in memory, to be checked at once."""
    arrays = [layer.data for layer in layers if isinstance(layer, Labels)]
    return all(isinstance(a, np.ndarray) for a in arrays) and (
        sum(a.size for a in arrays) <= QUICK_VOXELS
    )


def fingerprint(labels: Any) -> int:
    """Return a checksum of labels: painting changes it, renaming the layer does not."""
    return int(drain(_checksum_steps(labels))[-1])


def _checksum_steps(array: Any) -> Steps[State]:
    shape = tuple(array.shape)
    name = getattr(array, "name", None) if hasattr(array, "dask") else None
    if name is not None:  # dask names its arrays by what is in them
        return shape, str(array.dtype), zlib.crc32(str(name).encode())
    value = 0
    for number, slab in enumerate(_slabs(array, shape)):
        value = zlib.crc32(np.ascontiguousarray(slab).view(np.uint8).data, value)
        yield Step("check", number, number + 1)
    return shape, str(array.dtype), value


def _slabs(array: Any, shape: Sequence[int]) -> Iterator[np.ndarray[Any, Any]]:
    """Yield parts of an array along its first axis, so that none is large."""
    if not shape or 0 in shape:
        return
    rows = max(1, _SLAB * shape[0] // int(np.prod(shape, dtype=np.int64)))
    for start in range(0, shape[0], rows):
        yield np.asarray(array[start : start + rows])
