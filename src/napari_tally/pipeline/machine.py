"""What a training may take of the machine."""

from __future__ import annotations

import os
from typing import Literal

import psutil

from ..core.options import Options
from ..network.device import choose_device

_SHARE = 0.5  # of the free memory that a training takes
_MOST_WORKERS = {True: 2, False: 8}  # on a CPU they take cores from the network
_FEW_CORES = 2  # where a worker holds up the threads of the network, which wait for each other


class Machine(Options):
    """The device, the bytes of its memory that may be used, and the cores of the CPU."""

    kind: Literal["cpu", "cuda", "mps"] = "cpu"
    memory: float = 4e9
    cores: int = 2

    @property
    def small(self) -> bool:
        """Whether steps are slow, so that they have to be small and few."""
        return self.kind == "cpu"

    @property
    def workers(self) -> int:
        """Processes that prepare data while the device is at work; 0 if that is done in turns."""
        if self.small and self.cores <= _FEW_CORES:
            return 0
        return max(1, min(_MOST_WORKERS[self.small], self.cores - 1))

    @classmethod
    def here(cls, device: str = "auto") -> Machine:
        """Look at this machine."""
        import torch

        found = choose_device(device)
        free = float(psutil.virtual_memory().available)
        if found.type == "cuda":
            free = float(torch.cuda.mem_get_info(found)[0])
        return cls(kind=found.type, memory=_SHARE * free, cores=_cores())


def _cores() -> int:
    """Return the cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1
