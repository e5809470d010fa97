"""Tiled inference on large images, one batch of windows at a time, within the memory there is."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Step, Steps
from ..core.threads import wait_without_spinning
from .device import autocast, memory_format, use_channels_last
from .freed_memory import keep_freed_memory
from .tile_layout import Slices, Tiling, Windows

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Place = tuple[Slices, Slices]  # which slice of a stack (of length 1), and where in it

STAGE = "run the network"
_GPU_BATCH = 8
_SLICES = 4  # of a stack that the CPU takes at a time; more gain nothing
_SHARE = 0.5  # of the free device memory that the accumulated maps may take


@dataclass
class Inference:
    """Tiled inference of a network on images.

    Attributes
    ----------
    network : torch.nn.Module
        Maps (B, C, *window) to (B, channels, *window).
    activate : callable
        Applied to each output before windows (and the members of a `Mean`) are averaged.
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
        """Move the network to its device once: repeating it costs as much as a small tile."""
        wait_without_spinning()
        if self.device.type == "cpu":
            keep_freed_memory()
        kernels = [p.ndim for p in self.network.parameters() if p.ndim > 3]
        self.network.eval().to(self.device)
        if kernels:
            use_channels_last(self.network, max(kernels) - 2)

    def steps(self, image: NDArray[np.float32]) -> Steps[NDArray[np.float32]]:
        """Yield after every batch of windows and return the maps, shape (channels, *spatial).

        When memory runs out, first the batch is halved, then the window, then maps are accumulated
        on the CPU, and at last the network runs on the CPU; a step's note reports each.
        """
        return (yield from self._run(image, 0))

    def slices_steps(self, stack: NDArray[np.float32]) -> Steps[NDArray[np.float32]]:
        """Run inference on the slices of a stack, shape (C, slices, *spatial), several at once.

        Returns the maps, shape (channels, slices, *spatial); yields as `steps` does.
        """
        return (yield from self._run(stack, 1))

    def _run(self, image: NDArray[np.float32], lead: int) -> Steps[NDArray[np.float32]]:
        run = _Run(self, image, lead)
        while run.done < len(run.places):
            try:
                run.advance()
                note = ""
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                note = run.retreat(error)
                free_memory()
            yield Step(STAGE, run.done, len(run.places), note)
        return run.finish()


class _Run:
    """State of the inference on one image, or on a stack of slices."""

    def __init__(self, inference: Inference, image: NDArray[np.float32], lead: int = 0) -> None:
        import torch

        self.inference, self.image, self.lead = inference, image, lead
        self.shape = image.shape[1 + lead :]  # of the input at a time
        self.device = self.store = inference.device
        self.network = inference.network
        first = next(self.network.parameters(), None)
        if first is not None and first.device.type != self.device.type:
            self.network.to(self.device)  # it moved to the CPU for an earlier image
        self.batch = (_SLICES if lead else 1) if self.device.type == "cpu" else _GPU_BATCH
        self.tiling = inference.tiling
        self.sums: Tensor | None = None
        self.norm = torch.zeros(())
        self.lay()

    def lay(self) -> None:
        """Start over with the current tiling."""
        import torch

        self.windows = self.tiling.windows(self.shape, self.inference.stride)
        count = self.image.shape[1] if self.lead else 1
        slices: list[Slices] = [(slice(i, i + 1),) if self.lead else () for i in range(count)]
        self.places = [(at, window) for at in slices for window in self.windows.slices]
        self.source, self.weight = (
            padded(self.image, self.windows),
            torch.from_numpy(self.windows.weight),
        )
        self.sums, self.done = None, 0

    def advance(self) -> None:
        """Run the next batch and add it to the sums."""
        import torch

        batch = self.places[self.done : self.done + self.batch]
        with torch.inference_mode():
            # Nested, so that nothing outlives its use: new pages of memory cost as much as adding.
            self.add(self.maps(batch), batch)
        self.done += len(batch)

    def maps(self, batch: list[Place]) -> Tensor:
        """Return the maps of some windows."""
        import torch

        from .ensemble import activated

        parts = [self.source[(slice(None), *at, *window)] for at, window in batch]
        views = [part[:, 0] if self.lead else part for part in parts]
        stack = views[0][None] if len(views) == 1 else torch.stack(views)
        layout = memory_format(stack.ndim - 2)
        with autocast(self.device, self.dtype):
            inputs = stack.to(self.device).contiguous(memory_format=layout)
            return activated(self.network, inputs, _same if self.late else self.inference.activate)

    @property
    def late(self) -> bool:
        """Whether outputs are averaged over windows before they are activated, as in MONAI."""
        return self.tiling.sliding is not None

    @property
    def dtype(self) -> torch.dtype:
        import torch

        return self.inference.dtype if self.device == self.inference.device else torch.float32

    def add(self, maps: Tensor, batch: list[Place]) -> None:
        """Add the weighted maps of a batch of windows to the sums."""
        import torch

        if self.sums is None:
            channels, shape = maps.shape[1], self.image.shape[1:]
            self.store = _room(self.store, (channels + 1) * int(np.prod(shape)) * 4)
            # Channels last in memory, as the network gives its output.
            self.sums = torch.zeros((*shape, channels), device=self.store).movedim(-1, 0)
            self.norm = torch.zeros(self.shape, device=self.store)
            self.weigh()
        maps = maps.to(self.store)
        weight = self.weight.to(self.store)
        for one, (at, window) in zip(maps, batch, strict=True):
            inner, outer = self.overlap(window)
            part = self.sums[(slice(None), *at, *outer)]
            part = part[:, 0] if self.lead else part
            if len(self.windows.slices) == 1:
                part.copy_(one[(slice(None), *inner)])
            else:
                part.addcmul_(one[(slice(None), *inner)], weight[inner])

    def weigh(self) -> None:
        """Sum the weights of each voxel over all windows."""
        if len(self.windows.slices) == 1:
            self.norm.fill_(1)
            return
        weight = self.weight.to(self.store)
        for window in self.windows.slices:
            inner, outer = self.overlap(window)
            self.norm[outer] += weight[inner]

    def overlap(self, window: Slices) -> tuple[Slices, Slices]:
        """Return the part of a window that is in the image: in the window, and in the image."""
        inner, outer = [], []
        for cut, (before, _), size in zip(window, self.windows.padding, self.shape, strict=True):
            start, stop = max(cut.start, before), min(cut.stop, before + size)
            inner.append(slice(start - cut.start, stop - cut.start))
            outer.append(slice(start - before, stop - before))
        return tuple(inner), tuple(outer)

    def retreat(self, error: RuntimeError) -> str:
        """Reduce memory use from now on; return a note that describes how.

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
            return f"Out of memory: continuing with {self.batch} tiles at a time"
        if not self.tiling.exact and smaller > 2 * self.tiling.halo + self.inference.stride:
            self.tiling = self.tiling.model_copy(update={"tile": smaller})
            self.lay()
            return f"Out of memory: starting again with tiles of {smaller} px"
        if self.store != cpu:
            self.store = cpu
            self.sums = None if self.sums is None else self.sums.cpu()
            self.norm = self.norm.cpu()
            return "Out of memory: collecting the prediction maps in main memory"
        if self.device != cpu:
            self.device = cpu
            self.network.to(cpu)
            return "Out of memory: running the network on the CPU"
        raise MemoryError(
            "There is not enough memory even for the smallest tiles on the CPU"
        ) from error

    def finish(self) -> NDArray[np.float32]:
        """Return the maps: the sums divided by the weights."""
        import torch

        assert self.sums is not None
        with torch.inference_mode():
            mean = self.sums.div_(self.norm)
            mean = self.inference.activate(mean[None])[0] if self.late else mean
            maps: NDArray[np.float32] = mean.cpu().numpy()
        return maps


def padded(image: NDArray[np.float32], windows: Windows) -> Tensor:
    """Return the image, shape (C, ..., *spatial), padded at its borders as the windows need."""
    import torch

    ahead = ((0, 0),) * (image.ndim - len(windows.padding))
    if windows.mode == "constant":
        return torch.from_numpy(np.pad(image, (*ahead, *windows.padding)))
    return torch.from_numpy(np.pad(image, (*ahead, *windows.padding), mode=windows.mode))


def _same(output: Tensor) -> Tensor:
    return output


def _room(device: torch.device, needed: int) -> torch.device:
    """Return `device` if that many bytes fit on it with room to spare, else the CPU."""
    import torch

    if device.type != "cuda":
        return torch.device("cpu")
    free, _ = torch.cuda.mem_get_info(device)
    return device if needed < _SHARE * free else torch.device("cpu")


def out_of_memory(error: RuntimeError) -> bool:
    """Return whether a PyTorch error means that memory ran out."""
    import torch

    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(
        sign in text for sign in ("out of memory", "can't allocate memory", "alloc_cpu")
    )


def free_memory() -> None:
    """Release the memory of a failed attempt."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
