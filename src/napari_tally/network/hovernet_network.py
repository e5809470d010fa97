"""HoVer-Net of MONAI as a network of one tensor, as large as its input."""

from __future__ import annotations

from typing import Any

from torch import Tensor, cat, nn

BRANCHES = ("nucleus_prediction", "horizontal_vertical", "type_prediction")


class HoVerNet(nn.Module):
    """Returns nucleus, offsets and types as channels; the rim without a prediction is 0."""

    def __init__(self, spatial_dims: int = 2, out_channels: int = 4, **arguments: Any) -> None:
        from monai.networks import nets

        super().__init__()
        self.model = nets.HoVerNet(**arguments)

    def forward(self, images: Tensor) -> Tensor:
        """Return maps (B, C, Y, X) of images (B, C, Y, X)."""
        outputs = self.model(images)
        maps = cat([outputs[name] for name in BRANCHES if name in outputs], 1)
        rims = [n - m for n, m in zip(images.shape[:1:-1], maps.shape[:1:-1], strict=True)]
        return nn.functional.pad(
            maps, [side for rim in rims for side in (rim // 2, rim - rim // 2)]
        )
