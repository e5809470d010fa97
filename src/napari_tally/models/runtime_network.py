"""Networks whose outputs are class maps in another form than that of a head."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

if TYPE_CHECKING:
    from ..mask_sets.readings import Reading
    from ..network.runtimes import Session


class SessionMaps(nn.Module):
    """A session with a reading, as a network that returns class maps, the background first.

    Maps of a lower resolution are interpolated to the input.
    """

    def __init__(self, session_on: Callable[[torch.device], Session], reading: Reading) -> None:
        super().__init__()
        self.session_on = lru_cache(maxsize=1)(session_on)
        self.reading = reading

    def forward(self, images: Tensor) -> Tensor:
        """Return maps (B, C, *spatial) of images (B, C, *spatial)."""
        # In float32, as those who trained it ran it; TorchScript is compiled for what is on.
        with torch.autocast(images.device.type, enabled=False):
            session = self.session_on(images.device)
            return torch.stack([self._one(image, session) for image in images])

    def _one(self, image: Tensor, session: Session) -> Tensor:
        array = image.float().cpu().numpy()
        found = read_maps(self.reading, session(np.ascontiguousarray(array)))
        return on_grid(torch.from_numpy(found).to(image.device), tuple(image.shape[1:]))


class ReadMaps(nn.Module):
    """A network of ours with a reading, such as one with sigmoid channels without background."""

    def __init__(self, network: nn.Module, reading: Reading) -> None:
        super().__init__()
        self.network, self.reading = network, reading

    def forward(self, images: Tensor) -> Tensor:
        """Return maps (B, C, *spatial) of images (B, C, *spatial)."""
        outputs = self.network(images).float()
        maps = [
            torch.from_numpy(read_maps(self.reading, {"output": one[None].cpu().numpy()}))
            for one in outputs
        ]
        return on_grid_all(torch.stack(maps).to(outputs.device), tuple(images.shape[2:]))


def read_maps(reading: Reading, outputs: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    """Return the maps (C, *spatial) that a reading finds in outputs."""
    return reading.maps(outputs)


def on_grid(maps: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return maps (C, *spatial) interpolated to a shape."""
    return on_grid_all(maps[None], shape)[0]


def on_grid_all(maps: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return maps (B, C, *spatial) interpolated to a shape."""
    if tuple(maps.shape[2:]) == shape:
        return maps
    mode = {2: "bilinear", 3: "trilinear"}[len(shape)]
    return nn.functional.interpolate(maps, size=shape, mode=mode, align_corners=False)
