"""The networks of nnU-Net v2, whose weights have the names of its own.

Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z; with residual encoder: Isensee et
al., 2024, https://doi.org/10.48550/arXiv.2404.09556. Heads for deep supervision are left out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

Sizes = Sequence[int]
Levels = tuple[Sizes, Sequence[Sizes], Sequence[Sizes]]  # widths, kernels, strides
_CONV: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
_UP: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOL: dict[int, Any] = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
_NORM: dict[tuple[str, int], Any] = {
    ("instance", 2): nn.InstanceNorm2d,
    ("instance", 3): nn.InstanceNorm3d,
    ("batch", 2): nn.BatchNorm2d,
    ("batch", 3): nn.BatchNorm3d,
}


@dataclass(frozen=True)
class Layers:
    """How the layers of a network are made."""

    spatial_dims: int
    conv_bias: bool
    norm: str
    norm_eps: float
    norm_affine: bool
    negative_slope: float

    def block(
        self,
        before: int,
        after: int,
        kernel: Sizes,
        stride: Sizes | int = 1,
        *,
        active: bool = True,
        bias: bool | None = None,
    ) -> nn.Sequential:
        """Return a convolution and a norm, followed by the activation if `active`."""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["conv"] = _CONV[self.spatial_dims](
            before,
            after,
            tuple(kernel),
            stride if isinstance(stride, int) else tuple(stride),
            padding=tuple((k - 1) // 2 for k in kernel),
            bias=self.conv_bias if bias is None else bias,
        )
        layers["norm"] = _NORM[self.norm, self.spatial_dims](
            after, eps=self.norm_eps, affine=self.norm_affine
        )
        if active:
            layers["nonlin"] = self.activation()
        return nn.Sequential(layers)

    def activation(self) -> nn.Module:
        """Return a leaky ReLU, or a ReLU if the slope is 0."""
        slope = self.negative_slope
        return nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)


class Stack(nn.Module):
    """Convolutions one after the other, the first one strided."""

    def __init__(
        self,
        layers: Layers,
        count: int,
        before: int,
        after: int,
        kernel: Sizes,
        stride: Sizes | int,
    ) -> None:
        super().__init__()
        first = layers.block(before, after, kernel, stride)
        rest = (layers.block(after, after, kernel) for _ in range(count - 1))
        self.convs = nn.Sequential(first, *rest)

    def forward(self, image: Tensor) -> Tensor:
        """Return the features."""
        features: Tensor = self.convs(image)
        return features


class Residual(nn.Module):
    """Two convolutions and a way around them, which is pooled and projected where they are."""

    def __init__(
        self, layers: Layers, before: int, after: int, kernel: Sizes, stride: Sizes
    ) -> None:
        super().__init__()
        self.conv1 = layers.block(before, after, kernel, stride)
        self.conv2 = layers.block(after, after, kernel, active=False)
        self.nonlin2 = layers.activation()
        around: list[nn.Module] = []
        if prod(stride) != 1:
            around.append(_POOL[layers.spatial_dims](tuple(stride), tuple(stride)))
        if before != after:
            point = (1,) * layers.spatial_dims
            around.append(layers.block(before, after, point, active=False, bias=False))
        self.skip = nn.Sequential(*around)

    def forward(self, image: Tensor) -> Tensor:
        """Return the features."""
        features: Tensor = self.nonlin2(self.conv2(self.conv1(image)) + self.skip(image))
        return features


class ResidualStack(nn.Module):
    """Residual blocks one after the other, the first one strided."""

    def __init__(
        self, layers: Layers, count: int, before: int, after: int, kernel: Sizes, stride: Sizes
    ) -> None:
        super().__init__()
        even = (1,) * len(stride)
        rest = (Residual(layers, after, after, kernel, even) for _ in range(count - 1))
        self.blocks = nn.Sequential(Residual(layers, before, after, kernel, stride), *rest)

    def forward(self, image: Tensor) -> Tensor:
        """Return the features."""
        features: Tensor = self.blocks(image)
        return features


class Encoder(nn.Module):
    """Stages of decreasing resolution, perhaps after a stem."""

    def __init__(self, stages: Sequence[nn.Module], stem: nn.Module | None = None) -> None:
        super().__init__()
        if stem is not None:
            self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.has_stem = stem is not None

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features of each stage."""
        features = [self.stem(image) if self.has_stem else image]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features[1:]


class Decoder(nn.Module):
    """Transposed convolutions, each joined with the features of the encoder."""

    def __init__(
        self,
        layers: Layers,
        widths: Sizes,
        kernels: Sequence[Sizes],
        strides: Sequence[Sizes],
        counts: Sizes,
        out_channels: int,
    ) -> None:
        super().__init__()
        dims = layers.spatial_dims
        stages, ups = [], []
        for count, level in zip(counts, reversed(range(len(widths) - 1)), strict=True):
            stride, width = tuple(strides[level + 1]), widths[level]
            up = _UP[dims](widths[level + 1], width, stride, stride, bias=layers.conv_bias)
            ups.append(up)
            stages.append(Stack(layers, count, 2 * width, width, kernels[level], 1))
        self.stages, self.transpconvs = nn.ModuleList(stages), nn.ModuleList(ups)
        self.output = _CONV[dims](widths[0], out_channels, 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return the output of the features of each stage of the encoder."""
        image, skips = features[-1], features[-2::-1]
        for up, stage, skip in zip(self.transpconvs, self.stages, skips, strict=True):
            image = stage(torch.cat((up(image), skip), 1))
        output: Tensor = self.output(image)
        return output


class _UNet(nn.Module):
    """Encoder and decoder."""

    residual = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        features_per_stage: Sizes,
        kernel_sizes: Sequence[Sizes],
        strides: Sequence[Sizes],
        counts: Sizes,
        decoder_counts: Sizes,
        spatial_dims: int = 3,
        conv_bias: bool = True,
        norm: str = "instance",
        norm_eps: float = 1e-5,
        norm_affine: bool = True,
        negative_slope: float = 0.01,
    ) -> None:
        super().__init__()
        layers = Layers(spatial_dims, conv_bias, norm, norm_eps, norm_affine, negative_slope)
        levels = (features_per_stage, kernel_sizes, strides)
        self.encoder = self._encoder(layers, in_channels, levels, counts)
        self.decoder = Decoder(layers, *levels, decoder_counts, out_channels)

    def _encoder(self, layers: Layers, in_channels: int, levels: Levels, counts: Sizes) -> Encoder:
        widths, kernels, strides = levels
        stem = None
        before = [in_channels, *widths]
        if self.residual:
            stem = Stack(layers, 1, in_channels, widths[0], kernels[0], 1)
            before[0] = widths[0]
        stages = []
        for each in zip(counts, before[:-1], widths, kernels, strides, strict=True):
            residual = self.residual
            stages.append(
                ResidualStack(layers, *each) if residual else nn.Sequential(Stack(layers, *each))
            )
        return Encoder(stages, stem)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, in_channels, *spatial) to (B, out_channels, *spatial)."""
        output: Tensor = self.decoder(self.encoder(image))
        return output


class PlainConvUNet(_UNet):
    """U-Net of plain convolutions."""


class ResidualEncoderUNet(_UNet):
    """U-Net with an encoder of residual blocks behind one convolution."""

    residual = True
