"""Data-parallel training by processes that `torchrun` started, one device each."""

from __future__ import annotations

import atexit
import gc
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

T = TypeVar("T")
_LONGEST_WAIT = timedelta(hours=2)  # the others wait while the first one validates


@dataclass(frozen=True)
class Team:
    """This process among those of a training; only the first one, which leads, writes files.

    Attributes
    ----------
    rank, size : int
        The number of this process, and how many there are.
    local_rank, local_size : int
        The same among those of this machine; the first is the number of its GPU.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @classmethod
    def here(cls) -> Team:
        """Return the team that `torchrun` started, or a team of one without it."""
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            return cls()
        names = "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"
        return cls(*(int(os.environ.get(n, d)) for n, d in zip(names, "0101", strict=True)))

    @property
    def leads(self) -> bool:
        """Whether this process is the first one."""
        return self.rank == 0

    def join(self, device: torch.device) -> None:
        """Initialize the process group, unless there is only one process."""
        # If `torch.distributed.nn` came later, its default arguments would keep the group alive.
        import torch.distributed as dist
        import torch.distributed.nn  # noqa: F401

        if self.size > 1 and not dist.is_initialized():
            backend = "nccl" if device.type == "cuda" else "gloo"
            dist.init_process_group(backend, timeout=_LONGEST_WAIT)
            atexit.register(_leave)

    def broadcast(self, value: T, device: torch.device) -> T:
        """Return the value of the first process; the others wait for it."""
        import torch.distributed as dist

        if self.size == 1:
            return value
        self.join(device)
        box = [value]
        dist.broadcast_object_list(box, src=0, device=device)
        return box[0]

    def gathered(self, batch: Tensor) -> Tensor:
        """Return the batches of all processes, in order; gradients flow only to this process's."""
        import torch
        import torch.distributed as dist

        if self.size == 1:
            return batch
        batch = batch.contiguous()
        parts = [torch.empty_like(batch) for _ in range(self.size)]
        dist.all_gather(parts, batch.detach())
        parts[self.rank] = batch
        return torch.cat(parts)

    def own(self, device: torch.device) -> torch.device:
        """Return the device of this process: its own GPU, unless one is chosen by number."""
        import torch

        if self.size > 1 and device.type == "cuda" and device.index is None:
            device = torch.device("cuda", self.local_rank)
            torch.cuda.set_device(device)
        return device

    def parallel(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Return a network whose gradients are the means over the processes."""
        from torch.nn.parallel import DistributedDataParallel

        if self.size == 1:
            return network
        self.join(device)
        return DistributedDataParallel(network)

    def with_shared_norm(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Return a network whose batch norm uses the batches of all processes, where possible."""
        from torch.nn import SyncBatchNorm

        if self.size == 1 or device.type != "cuda":
            return network
        whole: nn.Module = SyncBatchNorm.convert_sync_batchnorm(network)
        return whole

    def indices(self, count: int, batch: int) -> list[int]:
        """Return which of `count` patches, in batches of `batch`, this process takes."""
        own = batch // self.size
        return [i for i in range(count) if i % batch // own == self.rank]


def _leave() -> None:
    """End the group's threads: one that frees a tensor while Python ends aborts the process.

    They end with the last reference to the group; parallel networks hold one.
    """
    import torch.distributed as dist

    gc.collect()
    if dist.is_initialized():
        dist.destroy_process_group()
