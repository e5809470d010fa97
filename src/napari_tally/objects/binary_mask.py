"""Binary masks given as labels: recognized, and split into objects only on request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.connected_components import components
from .relabel import ids_of, smallest, whole_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.volume import Volume

_LARGE_BYTES = 2**31  # larger arrays of a file stay there


def with_ids(labels: Volume) -> Volume:
    """Return labels with ids as native integers: nearly whole floats rounded, with a warning.

    A mask (bool) is split into its connected components, frame by frame. Other large arrays that
    are not in memory stay as they are.

    Raises
    ------
    InputError
        If there are fractions or values that are not finite.
    """
    kind = labels.array.dtype
    if kind.kind == "b":  # in memory, however large: a component may lie in several slabs
        return separated(labels)
    if (kind.kind in "ui" and kind.isnative) or _is_stored(labels.array):
        return labels
    return replace(labels, array=whole_numbers(np.asarray(labels.array), labels.name))


def separated(labels: Volume) -> Volume:
    """Split each id into connected components with ids from 1, unique over all frames.

    Full connectivity, as in `components`: voxels that share a corner are connected.
    """
    array = np.asarray(labels.array)
    array = array if array.dtype.kind == "b" else whole_numbers(array, labels.name)
    if "T" not in labels.axes:
        found = components(array)
        return replace(labels, array=found.astype(smallest(int(found.max(initial=0)))))
    place = labels.axes.index("T")
    frames, count = [], 0
    for frame in np.moveaxis(array, place, 0):
        found = components(frame)
        frames.append(np.where(found > 0, found + count, 0))
        count += int(found.max(initial=0))
    stack = np.stack(frames) if frames else np.moveaxis(array, place, 0)
    return replace(labels, array=np.moveaxis(stack, 0, place).astype(smallest(count)))


def pieces_of_mask(labels: Volume) -> int:
    """Return the number of connected components of a binary mask in all frames.

    0 for other labels: of several ids, of one connected component, with channels, or too large and
    not in memory.
    """
    if _is_stored(labels.array) or "C" in labels.axes or labels.array.dtype.kind not in "ui":
        return 0
    array = np.asarray(labels.array)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.min(initial=0) < 0 or len(ids_of(array)) != 1:
        return 0
    pieces = _pieces(array, labels.axes)
    return sum(pieces) if max(pieces, default=0) > 1 else 0


def mask_note(labels: Volume, done: str = "measured") -> str:
    """Return a remark on labels that are a binary mask of several connected components, or "".

    It says what was done with them; the caller adds how to choose otherwise.
    """
    pieces = pieces_of_mask(labels)
    if not pieces:
        return ""
    array = np.asarray(labels.array)
    return (
        f"{labels.name} is a binary mask: its {pieces:,} connected components all have the id"
        f" {array.max()} and are {done} as one object"
    )


def _pieces(array: NDArray[Any], axes: str) -> list[int]:
    frames = np.moveaxis(array, axes.index("T"), 0) if "T" in axes else array[None]
    return [int(components(frame).max(initial=0)) for frame in frames]


def _is_stored(array: Any) -> bool:
    """Return whether an array is in a file and too large to read at once."""
    return not isinstance(array, np.ndarray) and int(getattr(array, "nbytes", 0)) > _LARGE_BYTES
