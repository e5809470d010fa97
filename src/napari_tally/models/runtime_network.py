"""Networks whose outputs are class maps in another form than that of a head."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..mask_sets.readings import ClassMaps

if TYPE_CHECKING:
    from typing import TypeGuard

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
        if _in_torch(self.reading):
            return on_grid_all(torch_maps(self.reading, outputs), tuple(images.shape[2:]))
        maps = [
            torch.from_numpy(read_maps(self.reading, {"output": one[None].cpu().numpy()}))
            for one in outputs
        ]
        return on_grid_all(torch.stack(maps).to(outputs.device), tuple(images.shape[2:]))


def _in_torch(reading: Reading) -> TypeGuard[ClassMaps]:
    """Return whether `torch_maps` reads it; export follows tensors, but not arrays of NumPy."""
    if type(reading) is not ClassMaps:
        return False
    return not reading.channels_last and reading.activation != "index"


def torch_maps(reading: ClassMaps, outputs: Tensor) -> Tensor:
    """Return the maps (B, C, *spatial) of a reading, the same as `ClassMaps.maps`."""
    values = torch.nan_to_num(outputs, posinf=1e4, neginf=-1e4)
    several = values.shape[1] > 1
    if reading.activation == "softmax" and several:
        values = values.softmax(dim=1)
    elif reading.activation != "none":  # one channel has nothing to compete with
        values = values.sigmoid()
    if reading.background == "first" and several:
        return values
    if reading.activation == "softmax" and several:  # the classes share all of the image
        return torch.cat([torch.zeros_like(values[:, :1]), values], dim=1)
    rest = (1 - values.amax(dim=1, keepdim=True)).clip(0, 1)
    return torch.cat([rest, values], dim=1)


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
