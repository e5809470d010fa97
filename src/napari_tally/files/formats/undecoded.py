"""Pixels that are known by shape and dtype, and decoded when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    import numpy as np

    from ...core.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Undecoded:
    """The pixels of an image of which only the header was read.

    Attributes
    ----------
    shape, dtype : tuple of int, dtype
        Of the array by the header.
    decode : callable
        Returns the array.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    decode: Callable[[], NDArray[Any]]


def decoded(volume: Volume) -> Volume:
    """Return a volume with its pixels, if its array is `Undecoded`."""
    array = volume.array
    return replace(volume, array=array.decode()) if isinstance(array, Undecoded) else volume
