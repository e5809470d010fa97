"""Hardware available to a training."""

from __future__ import annotations

from typing import Literal

import psutil

from ..core.cores import available_cores
from ..core.options import Options
from .device import choose_device
from .distributed import Team

_SHARE = 0.5  # of the free memory that a training takes
_MOST_WORKERS = {True: 4, False: 8}
_FEW_CORES = 2  # of a CPU, where processes win next to nothing


class Machine(Options):
    """The device, its usable memory in bytes, and the CPU cores.

    `free` is the free memory of the computer, which is that of the device only if it is the CPU.
    """

    kind: Literal["cpu", "cuda", "mps"] = "cpu"
    memory: float = 4e9
    cores: int = 2
    free: float = 8e9

    @property
    def small(self) -> bool:
        """Whether steps are slow, so that they must be small and few."""
        return self.kind == "cpu"

    @property
    def workers(self) -> int:
        """Data-loading processes: on a CPU they alternate with the network, else run beside it."""
        if self.small:
            return min(_MOST_WORKERS[True], self.cores) if self.cores > _FEW_CORES else 0
        return max(1, min(_MOST_WORKERS[False], self.cores - 1))

    @classmethod
    def here(cls, device: str = "auto") -> Machine:
        """Return the share of this machine of one process of a team."""
        import torch

        found = choose_device(device)
        size = Team.here().local_size
        free = float(psutil.virtual_memory().available) / size
        own = float(torch.cuda.mem_get_info(found)[0]) if found.type == "cuda" else free
        cores = max(1, available_cores() // size)
        return cls(kind=found.type, memory=_SHARE * own, cores=cores, free=free)
