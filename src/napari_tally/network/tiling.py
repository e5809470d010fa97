"""Lead a network over a large image, one batch of windows at a time, within the memory there is."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Step, Steps
from .device import autocast, memory_format, use_channels_last
from .windows import Slices, Tiling, Windows

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

STAGE = "run the network"
_GPU_BATCH = 8
_SHARE = 0.5  # of the free device memory that the accumulated maps may take


@dataclass
class Inference:
    """A network led over images.

    Attributes
    ----------
    network : torch.nn.Module
        Maps (B, C, *window) to (B, channels, *window).
    activate : callable
        Applied to each output before windows are blended.
    stride : int
        Window origins and sizes are multiples of it.
    device, dtype : torch.device, torch.dtype
        Where the network runs and in which precision.
    """

    network: nn.Module
    activate: Callable[[Tensor], Tensor]
    stride: int
    device: torch.device
    dtype: torch.dtype
    tiling: Tiling = field(default_factory=Tiling)

    def __post_init__(self) -> None:
        """Bring the network to its device once: doing so again costs as much as a small tile."""
        kernels = [p.ndim for p in self.network.parameters() if p.ndim > 3]
        self.network.eval().to(self.device)
        if kernels:
            use_channels_last(self.network, max(kernels) - 2)

    def steps(self, image: NDArray[np.float32]) -> Steps[NDArray[np.float32]]:
        """Yield after every batch of windows and return the maps, shape (channels, *spatial).

        Out of memory is answered by halving the batch, then the window, then by accumulating on
        the CPU, and at last by running on the CPU; each is said in a step's note.
        """
        run = _Run(self, image)
        while run.done < len(run.windows.slices):
            try:
                run.advance()
                note = ""
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                note = run.retreat(error)
                _free_memory()
            yield Step(STAGE, run.done, len(run.windows.slices), note)
        return run.finish()


class _Run:
    """One image under way; what changes while it runs."""

    def __init__(self, inference: Inference, image: NDArray[np.float32]) -> None:
        import torch

        self.inference, self.image = inference, image
        self.device = self.store = inference.device
        self.network = inference.network
        first = next(self.network.parameters(), None)
        if first is not None and first.device.type != self.device.type:
            self.network.to(self.device)  # it had to leave for the CPU in an earlier image
        self.batch = 1 if self.device.type == "cpu" else _GPU_BATCH
        self.tiling = inference.tiling
        self.sums: Tensor | None = None
        self.norm = torch.zeros(())
        self.lay()

    def lay(self) -> None:
        """Start over with the present tiling."""
        import torch

        shape = self.image.shape[1:]
        self.windows = self.tiling.windows(shape, self.inference.stride)
        self.source, self.weight = (
            padded(self.image, self.windows),
            torch.from_numpy(self.windows.weight),
        )
        self.sums, self.done = None, 0

    def advance(self) -> None:
        """Run the next batch and add it to the sums."""
        import torch

        batch = self.windows.slices[self.done : self.done + self.batch]
        with torch.inference_mode():
            # Nested, so that nothing outlives its use: new pages of memory cost as much as adding.
            self.add(self.inference.activate(self.output(batch).float()), batch)
        self.done += len(batch)

    def output(self, batch: list[Slices]) -> Tensor:
        """Return the network's output for some windows."""
        import torch

        views = [self.source[(slice(None), *window)] for window in batch]
        stack = views[0][None] if len(views) == 1 else torch.stack(views)
        layout = memory_format(stack.ndim - 2)
        with autocast(self.device, self.dtype):
            output: Tensor = self.network(stack.to(self.device).contiguous(memory_format=layout))
        return output

    @property
    def dtype(self) -> torch.dtype:
        import torch

        return self.inference.dtype if self.device == self.inference.device else torch.float32

    def add(self, maps: Tensor, batch: list[Slices]) -> None:
        """Add the weighted maps of a batch of windows where they belong."""
        import torch

        if self.sums is None:
            channels, shape = maps.shape[1], self.image.shape[1:]
            self.store = _room(self.store, (channels + 1) * int(np.prod(shape)) * 4)
            # Channels last in memory, as the network gives its output.
            self.sums = torch.zeros((*shape, channels), device=self.store).movedim(-1, 0)
            self.norm = torch.zeros(shape, device=self.store)
        maps = maps.to(self.store)
        if len(self.windows.slices) == 1:
            inner, outer = self.overlap(batch[0])
            self.sums.copy_(maps[0][(slice(None), *inner)])
            self.norm.fill_(1)
            return
        weight = self.weight.to(self.store)
        for one, window in zip(maps, batch, strict=True):
            inner, outer = self.overlap(window)
            self.sums[(slice(None), *outer)].addcmul_(one[(slice(None), *inner)], weight[inner])
            self.norm[outer] += weight[inner]

    def overlap(self, window: Slices) -> tuple[Slices, Slices]:
        """Return the part of a window that lies in the image: in the window, and in the image."""
        inner, outer = [], []
        for cut, (before, _), size in zip(
            window, self.windows.padding, self.image.shape[1:], strict=True
        ):
            start, stop = max(cut.start, before), min(cut.stop, before + size)
            inner.append(slice(start - cut.start, stop - cut.start))
            outer.append(slice(start - before, stop - before))
        return tuple(inner), tuple(outer)

    def retreat(self, error: RuntimeError) -> str:
        """Ask for less memory from now on and say what is tried.

        Raises
        ------
        MemoryError
            If nothing is left to try.
        """
        import torch

        cpu = torch.device("cpu")
        smaller = self.tiling.tile // 2
        if self.batch > 1:
            self.batch //= 2
            return f"Out of memory: going on with {self.batch} windows at a time"
        if smaller > 2 * self.tiling.halo + self.inference.stride:
            self.tiling = self.tiling.model_copy(update={"tile": smaller})
            self.lay()
            return f"Out of memory: starting again with windows of {smaller}"
        if self.store != cpu:
            self.store = cpu
            self.sums = None if self.sums is None else self.sums.cpu()
            self.norm = self.norm.cpu()
            return "Out of memory: collecting the maps in main memory"
        if self.device != cpu:
            self.device = cpu
            self.network.to(cpu)
            return "Out of memory: running the network on the CPU"
        raise MemoryError("Not enough memory even for the smallest windows on the CPU") from error

    def finish(self) -> NDArray[np.float32]:
        """Return the maps: the sums over the weights."""
        import torch

        assert self.sums is not None
        with torch.inference_mode():
            maps: NDArray[np.float32] = self.sums.div_(self.norm).cpu().numpy()
        return maps


def padded(image: NDArray[np.float32], windows: Windows) -> Tensor:
    """Return the image, shape (C, *spatial), mirrored at its borders as the windows need it."""
    import torch

    return torch.from_numpy(np.pad(image, ((0, 0), *windows.padding), mode="symmetric"))


def _room(device: torch.device, needed: int) -> torch.device:
    """Return `device` if so many bytes fit well on it, else the CPU."""
    import torch

    if device.type != "cuda":
        return torch.device("cpu")
    free, _ = torch.cuda.mem_get_info(device)
    return device if needed < _SHARE * free else torch.device("cpu")


def _out_of_memory(error: RuntimeError) -> bool:
    import torch

    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in text for sign in ("out of memory", "can't allocate memory", "alloc_cpu")
    )


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
