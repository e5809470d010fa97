"""Batches of crops, which processes of their own make where the machine has cores for them.

On a CPU that has too few cores for both, they and the network take turns: beside each other they
take cores from its threads, which wait for each other, and more is lost than won.
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

from ...network.hardware import cores_here

if TYPE_CHECKING:
    from ctypes import c_byte

    from torch import Tensor

    from .patch_sampler import Crops

logger = logging.getLogger("napari_tally")
# A forked process may run no compiled loop if one has run in this process before.
_PROCESSES = get_context("spawn")
_NAP = 2e-3  # seconds between two looks whose turn it is
_NAPS = 1000  # after which a process looks whether its parent still lives


def batches(
    crops: Crops, size: int, places: Sequence[int], workers: int, device: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give batches of `size` crops, images and targets, in the order of `places`.

    Where a process is ended from outside, as for lack of memory, a warning says so, and this one
    makes what is left.

    Parameters
    ----------
    workers : int
        Processes that make them; 0 if this one does.
    device : str
        The kind of device that learns from them, such as "cpu".
    """
    # No event or lock, which the end of a process can leave taken for ever.
    turn = _PROCESSES.RawValue("b", 1) if workers and _cores_lack(workers, device) else None
    loader = DataLoader(
        _Batches(crops, places, size, turn),
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
        if not _was_ended(error):
            raise
        logger.warning(
            "A process that makes crops was ended, most often for lack of memory; this one goes on "
            "alone."
        )
    finally:
        _give(turn, 1)  # so that the processes come to their end
    del every  # and with it those that are left
    if done < len(places) // size:
        yield from batches(crops, size, places[done * size :], 0, device)


def _cores_lack(workers: int, device: str) -> bool:
    """Tell whether processes would take cores from the network."""
    return device == "cpu" and torch.get_num_threads() + workers > cores_here()


def _was_ended(error: RuntimeError) -> bool:
    """Tell whether it is PyTorch's word for a process that is not there any more."""
    return any(words in str(error) for words in ("exited unexpectedly", "killed by signal"))


def _give(turn: c_byte | None, value: int) -> None:
    if turn is not None:
        turn.value = value


@contextmanager
def _main_left_out() -> Iterator[None]:
    """Let processes start without the user's script, which they would run once more.

    A script that trains outside of `if __name__ == "__main__"` would never end.
    """
    own, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = own


class _Batches(Dataset[tuple[Any, Any]]):
    """Batches of crops in the order that is told; with a `turn`, made only while it is theirs."""

    def __init__(self, crops: Crops, places: Sequence[int], size: int, turn: c_byte | None) -> None:
        self.crops, self.places, self.size, self.turn = crops, places, size, turn

    def __len__(self) -> int:
        return len(self.places) // self.size

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        first = number * self.size
        return self.crops.batch(self.places[first : first + self.size], self._await_turn)

    def _await_turn(self) -> None:
        naps = 0
        while self.turn is not None and not self.turn.value:
            time.sleep(_NAP)
            naps += 1
            parent = parent_process() if naps % _NAPS == 0 else None
            if parent is not None and not parent.is_alive():
                raise SystemExit
