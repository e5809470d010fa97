"""The point head of PointRend in 2D and 3D, and coarse networks to put it on.

Kirillov et al., 2020, https://doi.org/10.1109/CVPR42600.2020.00982
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_tally.network.architectures import DynUNet, SegFormer

if TYPE_CHECKING:
    from napari_tally.heads.semantic import Semantic

OVERSAMPLED, UNCERTAIN = 3, 0.75  # as in the paper
WIDTH = 32  # of the MLP


class Cut(nn.Module):
    """A DynUNet that ends at a coarser level; returns its logits and its finest features."""

    def __init__(self, ndim: int, classes: int, level: int) -> None:
        super().__init__()
        filters = (8, 16, 32, 64) if ndim == 2 else (4, 8, 16, 32)
        net: Any = DynUNet(
            spatial_dims=ndim, out_channels=classes, kernel_size=(3,) * 4, strides=(1, 2, 2, 2),
            filters=filters,
        ).build()  # fmt: skip
        self.down = nn.ModuleList([net.input_block, *net.downsamples, net.bottleneck])
        self.up = net.upsamples[: 3 - level]
        self.out, self.fine = net.get_output_block(level), filters[0]

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = [image]
        for block in self.down:
            features.append(block(features[-1]))
        x = features[-1]
        for block, skip in zip(self.up, features[-2::-1], strict=False):
            x = block(x, skip)
        return self.out(x), [features[1]]


class Former(nn.Module):
    """A small SegFormer with a convolution of the image as its finest features."""

    def __init__(self, ndim: int, classes: int, level: int) -> None:
        super().__init__()
        net: Any = SegFormer(
            out_channels=classes, hidden_sizes=(16, 32, 80, 128), decoder_hidden_size=64,
            depths=(1, 1, 1, 1),
        ).build()  # fmt: skip
        self.model, self.fine = net.model, 16 + 16
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU())

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        found = self.model.segformer(pixel_values=image, output_hidden_states=True).hidden_states
        return self.model.decode_head(found), [self.stem(image), found[0]]


class Plain(nn.Module):
    """A network whose logits are enlarged to the image."""

    def __init__(self, body: Callable[[], nn.Module], head: Semantic, ndim: int) -> None:
        super().__init__()
        self.body, self.head, self.ndim = body(), head, ndim
        self.mode = "bilinear" if ndim == 2 else "trilinear"

    def loss(self, image: Tensor, labels: Tensor) -> Tensor:
        return self._whole(self.body(image)[0], labels)

    def forward(self, image: Tensor) -> Tensor:
        return self.enlarged(self.body(image)[0], image.shape[2:])

    def enlarged(self, logits: Tensor, size: Any) -> Tensor:
        if logits.shape[2:] == size:
            return logits
        return F.interpolate(logits, size=size, mode=self.mode, align_corners=False)

    def _whole(self, logits: Tensor, labels: Tensor) -> Tensor:
        target = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).float()
        return self.head.loss(self.enlarged(logits, labels.shape[1:]), target)


class Pointed(Plain):
    """The same with a point head."""

    def __init__(
        self, body: Callable[[], nn.Module], head: Semantic, ndim: int, share: float
    ) -> None:
        super().__init__(body, head, ndim)
        self.share = share
        fine: Any = self.body.fine
        classes = head.channels(ndim)
        widths = [fine, WIDTH, WIDTH, WIDTH]
        self.layers = nn.ModuleList(nn.Conv1d(a + classes, b, 1) for a, b in pairwise(widths))
        self.last = nn.Conv1d(WIDTH + classes, classes, 1)

    def loss(self, image: Tensor, labels: Tensor) -> Tensor:
        coarse, fine = self.body(image)
        points = self._training_points(coarse.detach(), labels[0].numel())
        found = self._decided(coarse, fine, points)
        true = sampled(labels[:, None].float(), points, mode="nearest")[:, 0].long()
        return self._whole(coarse, labels) + F.cross_entropy(found, true)

    def forward(self, image: Tensor) -> Tensor:
        coarse, fine = self.body(image)
        maps = coarse
        while True:
            size = [min(2 * a, b) for a, b in zip(maps.shape[2:], image.shape[2:], strict=True)]
            maps = self.enlarged(maps, torch.Size(size)).contiguous()
            flat = maps.flatten(2)
            index = uncertainty(flat).topk(round(self.share * flat.shape[2]), 1).indices
            points = self._centres(index, size)
            decided = self._decided(coarse, fine, points)
            maps = flat.scatter(2, index[:, None].expand_as(decided), decided).view_as(maps)
            if tuple(size) == tuple(image.shape[2:]):
                return maps

    def _training_points(self, coarse: Tensor, voxels: int) -> Tensor:
        count, batch, ndim = round(self.share * voxels / 2), len(coarse), self.ndim
        many = 2 * torch.rand(batch, OVERSAMPLED * count, ndim) - 1
        uncertain = round(UNCERTAIN * count)
        index = uncertainty(sampled(coarse, many)).topk(uncertain, 1).indices
        chosen = many.gather(1, index[..., None].expand(-1, -1, ndim))
        return torch.cat([chosen, 2 * torch.rand(batch, count - uncertain, ndim) - 1], 1)

    def _decided(self, coarse: Tensor, fine: list[Tensor], points: Tensor) -> Tensor:
        guess = sampled(coarse, points)
        x = torch.cat([sampled(f, points) for f in fine], 1)
        for layer in self.layers:
            x = F.relu(layer(torch.cat([x, guess], 1)))
        return self.last(torch.cat([x, guess], 1))

    def _centres(self, index: Tensor, size: list[int]) -> Tensor:
        along = torch.unravel_index(index, size)[::-1]  # grid_sample takes x first
        each = [(2 * a + 1) / n - 1 for a, n in zip(along, size[::-1], strict=True)]
        return torch.stack(each, -1)


def sampled(maps: Tensor, points: Tensor, mode: str = "bilinear") -> Tensor:
    """Return the values (B, C, N) at points (B, N, axes) from -1 to 1, x first."""
    grid = points.view(*points.shape[:2], *(1,) * (points.shape[2] - 1), points.shape[2])
    return F.grid_sample(maps, grid, mode, "border", align_corners=False).flatten(2)


def uncertainty(logits: Tensor) -> Tensor:
    """Return minus the margin between the two most probable classes, (B, N)."""
    first, second = logits.softmax(1).topk(2, 1).values.unbind(1)
    return second - first
