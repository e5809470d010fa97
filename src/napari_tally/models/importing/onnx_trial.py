"""Run an ONNX network once or twice, to learn its input and the shapes of its outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from ...core.errors import InputError, ModelError, printable
from ...network.runtimes import Onnx
from ...network.runtimes.onnx import GRID_SAMPLE

if TYPE_CHECKING:
    from pathlib import Path

    from ...network.runtimes.onnx_session import OnnxSession

Shape = tuple[int, ...]
_SECONDS = 120.0  # of a run
# Each length is an odd multiple of one and of no larger one, by which the stride is found.
_LENGTHS_2D = {1: 101, 2: 106, 4: 116, 8: 104, 12: 132, 14: 154, 16: 176, 24: 120, 28: 140,
               32: 160, 56: 280, 64: 320, 128: 640, 256: 768}  # fmt: skip
_LENGTHS_3D = {1: 37, 2: 38, 4: 44, 8: 40, 16: 48, 32: 32, 64: 64, 128: 128}
_FIXED = 224, 256, 320, 384, 512, 640, 800, 1024  # tried last
_DEPTH = 16  # slices where the depth is free, but height and width are not


@dataclass(frozen=True, eq=False)
class Trial:
    """What trial runs showed.

    Attributes
    ----------
    runtime : Onnx
        With the axes, channels, size or stride of the input.
    outputs : dict of tuple of int
        Shapes of the outputs, -1 for axes whose length depends on the image.
    seen : dict of tuple of int
        Shapes of the outputs for an input of `shape`.
    kinds : dict of str
        "f" for floats, "i" for whole numbers.
    batch : int
        Images in a batch if that is fixed, else 1.
    """

    runtime: Onnx
    outputs: dict[str, Shape]
    seen: dict[str, Shape]
    shape: Shape
    kinds: dict[str, str]
    batch: int
    dtype: str


def tried(path: Path, device_name: str = "cpu") -> Trial:
    """Load a network, find how its input is laid out, and run it on empty images.

    Raises
    ------
    ModelError
        If it fails on all of them, or its input is none of images.
    """
    import torch

    session = Onnx().session(path, torch.device(device_name))
    given = session.image
    axes = _axes(given.shape, path.name)
    sizes = dict(zip(axes, given.shape, strict=True))
    session.axes = axes
    ndim = sum(axis in "ZYX" for axis in axes)
    fixed = tuple(sizes[axis] for axis in "ZYX"[-ndim:])
    channels = sizes.get("C", 1)
    channels = channels if channels > 0 else _channels(session, ndim)
    shape, multiple, found = _fitting(session, channels, fixed)
    runtime = Onnx(
        axes="" if axes == "NC" + "ZYX"[-ndim:] else axes,
        spatial_dims=ndim,
        in_channels=channels,
        size=shape if max(fixed) > 0 else (),
        multiple=multiple,
    )
    seen = {name: array.shape for name, array in found.items()}
    if not seen:
        raise ModelError(f"{path.name} returns no numbers")
    declared = {output.name: output.shape for output in session.outputs}
    again = seen if runtime.size else _again(session, channels, shape, multiple) or seen
    batch = given.shape[0] if axes.startswith("N") and given.shape[0] > 1 else 1
    outputs = {
        name: _common(seen[name], again.get(name, seen[name]), declared.get(name, ()), batch)
        for name in seen
    }
    kinds = {name: "i" if array.dtype.kind in "iub" else "f" for name, array in found.items()}
    return Trial(runtime, outputs, seen, shape, kinds, batch, given.dtype)


def _axes(shape: Shape, name: str) -> str:
    """Return which axes an input has, by their lengths: channels are few.

    Raises
    ------
    ModelError
        If it is no image.
    """
    last = shape and 0 < shape[-1] <= 4
    if len(shape) == 5:
        return "NZYXC" if last and not 0 < shape[1] <= 4 else "NCZYX"
    if len(shape) == 4:
        return "NYXC" if last and not 0 < shape[1] <= 4 else "NCYX"
    if len(shape) == 3 and (0 < shape[0] <= 4 or last):
        return "CYX" if 0 < shape[0] <= 4 else "YXC"
    if len(shape) == 2:
        return "YX"
    written = ", ".join("?" if n < 0 else str(n) for n in shape)
    raise ModelError(f"The input of {name} has the shape ({written}), which is none of images")


def _channels(session: OnnxSession, ndim: int) -> int:
    """Return the number of channels that a network takes if its file does not state it.

    Raises
    ------
    ModelError
        If it takes neither 1 nor 3.
    """
    side = 64 if ndim == 2 else 32
    for count in (1, 3):
        try:
            session.run(np.zeros((count, *(side,) * ndim), np.float32), _SECONDS)
        except (ModelError, MemoryError):
            continue
        return count
    raise ModelError(f"{session.name} does not state its channels, and takes neither 1 nor 3")


def _fitting(
    session: OnnxSession, channels: int, fixed: Shape
) -> tuple[Shape, int, dict[str, np.ndarray]]:
    """Return the first shape that the network takes, its stride and its outputs.

    Raises
    ------
    ModelError
        With the reason of the first failure, if it takes none.
    """
    first: Exception | None = None
    start = monotonic()
    for shape, multiple in _candidates(fixed):
        try:
            found = session.run(np.zeros((channels, *shape), np.float32), _SECONDS)
        except (ModelError, MemoryError, InputError) as error:
            first = first or error
            if monotonic() - start > _SECONDS:
                break
            continue
        if max(fixed) > 0 or _keeps_grid(found, shape):
            return shape, multiple, found
        first = first or ModelError(f"{session.name} returns maps of odd sizes")
    if isinstance(first, MemoryError):
        raise ModelError(f"{printable(str(first), 240)}, which this machine does not have")
    assert first is not None
    if "GridSample" in str(first):
        raise ModelError(f"{session.name} fails in its operator GridSample", hint=GRID_SAMPLE)
    raise first


def _candidates(fixed: Shape) -> Iterator[tuple[Shape, int]]:
    """Yield shapes to try and the stride that each shows."""
    if min(fixed) > 0:
        yield fixed, 1
    elif max(fixed) > 0:
        longest = max(fixed)
        free = (_DEPTH, 32, 64, longest) if len(fixed) == 3 and fixed[0] < 0 else (longest,)
        for length in free:
            yield tuple(n if n > 0 else length for n in fixed), 1
    else:
        for multiple, length in (_LENGTHS_2D if len(fixed) == 2 else _LENGTHS_3D).items():
            yield (length,) * len(fixed), multiple
        for length in _FIXED if len(fixed) == 2 else ():
            yield (length, length), gcd(length, 32)


def _keeps_grid(found: dict[str, np.ndarray], shape: Shape) -> bool:
    """Return whether maps are of the size of the input, or a whole fraction of it."""
    maps = [a for a in found.values() if a.ndim == len(shape) + 2 and min(a.shape[2:-1]) > 1]
    if not maps:
        return True
    grid = max(maps, key=lambda a: a.size).shape
    return any(  # channels first, or last
        all(n % m == 0 or m % n == 0 for n, m in zip(shape, part, strict=True))
        for part in (grid[2:], grid[1:-1])
    )


def _again(
    session: OnnxSession, channels: int, shape: Shape, multiple: int
) -> dict[str, Shape] | None:
    """Return the shapes of the outputs for a larger image, None if it is refused."""
    larger = tuple(n + 2 * multiple for n in shape)
    try:
        found = session.run(np.zeros((channels, *larger), np.float32), _SECONDS)
    except (ModelError, MemoryError):
        return None
    return {name: array.shape for name, array in found.items()}


def _common(one: Shape, other: Shape, declared: Shape, batch: int) -> Shape:
    """Return a shape with -1 where it depends on the image: two runs differ, or it is empty."""
    if len(one) != len(other):
        return one
    same = tuple(a if a == b and a > 0 else -1 for a, b in zip(one, other, strict=True))
    if len(declared) == len(same) and batch == 1:
        return tuple(d if d > 0 else s for d, s in zip(declared, same, strict=True))
    return same
