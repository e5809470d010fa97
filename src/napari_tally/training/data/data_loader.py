"""Batches of training patches, made by worker processes where the machine has cores for them.

On a CPU with too few cores for both, the workers and the network alternate: workers would take
cores from the network's threads, which wait for each other.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader, Dataset

from ...core.cores import available_cores

if TYPE_CHECKING:
    from ctypes import c_byte

    from torch import Tensor

    from .patch_sampler import Patches

logger = logging.getLogger("napari_tally")
# A forked process may run no compiled loop if one has run in this process before.
_PROCESSES = get_context("spawn")
_NAP = 2e-3  # seconds between two checks of whose turn it is
_NAPS = 1000  # after which a worker checks that its parent still lives


def batches(
    patches: Patches, size: int, indices: Sequence[int], workers: int, device: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of `size` patches, images and targets, in the order of `indices`.

    If a worker is killed, for example for lack of memory, a warning is logged and this process
    makes the remaining batches.

    Parameters
    ----------
    workers : int
        Worker processes; 0 for this one.
    device : str
        The kind of device of the network, such as "cpu".
    """
    # No event or lock, which a killed process can leave taken for ever.
    turn = _PROCESSES.RawValue("b", 1) if workers and _cores_lack(workers, device) else None
    loader = DataLoader(
        _Batches(patches, indices, size, turn),
        batch_size=None,  # it gives whole ones
        num_workers=workers,
        pin_memory=device == "cuda",
        multiprocessing_context=_PROCESSES if workers else None,
    )
    with _main_left_out():
        every = iter(loader)
    done = 0
    try:
        while (batch := next(every, None)) is not None:
            _give(turn, 0)
            done += 1
            yield batch[0], batch[1]
            _give(turn, 1)
    except RuntimeError as error:
        if not _was_killed(error):
            raise
        logger.warning(
            "A data-loading process was killed, most often for lack of memory; continuing without "
            "workers."
        )
    finally:
        _give(turn, 1)  # so that the workers can end
    del every  # and its workers
    if done < len(indices) // size:
        yield from batches(patches, size, indices[done * size :], 0, device)


def _cores_lack(workers: int, device: str) -> bool:
    """Return whether workers would take cores from the network."""
    return device == "cpu" and torch.get_num_threads() + workers > available_cores()


def _was_killed(error: RuntimeError) -> bool:
    """Return whether PyTorch reports a worker that does not exist any more."""
    return any(words in str(error) for words in ("exited unexpectedly", "killed by signal"))


def _give(turn: c_byte | None, value: int) -> None:
    if turn is not None:
        turn.value = value


@contextmanager
def _main_left_out() -> Iterator[None]:
    """Start workers without the user's script, which they would run once more.

    A script that trains outside of `if __name__ == "__main__"` would never end.
    """
    own, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = own


class _Batches(Dataset[tuple[Any, Any]]):
    """Batches of patches in a given order; with a `turn`, made only while it is the workers'."""

    def __init__(
        self, patches: Patches, indices: Sequence[int], size: int, turn: c_byte | None
    ) -> None:
        self.patches, self.indices, self.size, self.turn = patches, indices, size, turn

    def __len__(self) -> int:
        return len(self.indices) // self.size

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        first = number * self.size
        return self.patches.batch(self.indices[first : first + self.size], self._await_turn)

    def _await_turn(self) -> None:
        naps = 0
        while self.turn is not None and not self.turn.value:
            time.sleep(_NAP)
            naps += 1
            parent = parent_process() if naps % _NAPS == 0 else None
            if parent is not None and not parent.is_alive():
                raise SystemExit
