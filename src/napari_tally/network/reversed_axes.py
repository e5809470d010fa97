"""Networks that take images with the axes (X, Y, Z) in place of (Z, Y, X)."""

from __future__ import annotations

from torch import Tensor, nn


class Reversed(nn.Module):
    """A network that takes images with reversed spatial axes, as one that takes ours."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return maps (B, C, *spatial) of images (B, C, *spatial)."""
        axes = (0, 1, *range(images.ndim - 1, 1, -1))
        maps: Tensor = self.network(images.permute(axes).contiguous())
        return maps.permute(axes)
