"""Turn what a library raises at a damaged file into one sentence, also when it decodes later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from ...core.errors import FileError, TallyError, printable

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Raise any error of a library as a FileError about a file, with the error as its cause.

    Our own errors pass, and so does a lack of memory.
    """
    try:
        yield
    except (TallyError, MemoryError):
        raise
    except Exception as error:
        reason = printable(f"{type(error).__name__}: {error}".rstrip(": "))
        raise FileError(
            f"{path} is damaged or cannot be decoded ({reason})", hint="Copy or export it again"
        ) from error


def guarding(function: Callable[P, R], path: Path) -> Callable[P, R]:
    """Return a function that decodes a part of a file, with its errors about that file."""

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        with guarded(path):
            return function(*args, **options)

    return call


class GuardedSource:
    """An array of a library (Zarr, nibabel) whose parts are decoded when they are sliced.

    It is what Dask takes parts from: `da.from_array(GuardedSource(array, path))`.
    """

    def __init__(self, array: Any, path: Path) -> None:
        self.array, self.path = array, path
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.dtype, self.ndim = array.dtype, len(self.shape)

    def __getitem__(self, index: Any) -> Any:
        with guarded(self.path):
            return np.asarray(self.array[index])


def guarded_blocks(array: Any, path: Path) -> Any:
    """Return a Dask array of a library with each of its blocks decoded under guard.

    A block is computed in one task, with all that it takes: for blocks that share no work.
    """
    import dask.array as da

    def block(block_id: tuple[int, ...]) -> Any:
        with guarded(path):
            wanted = array.blocks[block_id]
            found = np.asarray(wanted.compute(scheduler="synchronous"))
            if found.shape != wanted.shape:
                raise ValueError(f"a part of shape {found.shape} instead of {wanted.shape}")
            return found

    return da.map_blocks(block, chunks=array.chunks, dtype=array.dtype, meta=array._meta)
