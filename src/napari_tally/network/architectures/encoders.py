"""U-Nets with a residual or EfficientNet encoder, deeper than their decoder."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field

from .architecture import MOST_LEVELS, Architecture, Demand, Repeats, Share, Width
from .layer_choices import AnyActivation, AnyNorm, imported

Backbone = Literal[
    "efficientnet-b0", "efficientnet-b1", "efficientnet-b2", "efficientnet-b3", "efficientnet-b4",
    "efficientnet-b5", "efficientnet-b6", "efficientnet-b7", "efficientnet-b8", "efficientnet-l2",
    "resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet200",
]  # fmt: skip
_RELU: Any = ("relu", {"inplace": True})
_EFFICIENT: Any = ("batch", {"eps": 1e-3, "momentum": 0.1})
_DEEPER = (1, 2, 2, 4)  # blocks of a level, of Myronenko's network


class SegResNet(Architecture):
    """Residual encoder-decoder of Myronenko, 2018, https://doi.org/10.48550/arXiv.1810.11654."""

    name: Literal["SegResNet"] = "SegResNet"
    init_filters: Width = Field(16, description="Feature channels of the finest level")
    blocks_down: tuple[Repeats, ...] = Field(
        _DEEPER,
        min_length=2,
        max_length=MOST_LEVELS,
        description="Residual blocks of each level of the encoder",
    )
    blocks_up: tuple[Repeats, ...] = Field(
        (1, 1, 1),
        min_length=1,
        max_length=MOST_LEVELS,
        description="Residual blocks of each level of the decoder",
    )
    norm: AnyNorm = Field("batch", description="Normalization layers")
    act: AnyActivation = imported(_RELU, "Activation layers")
    dropout_prob: Share | None = imported(None, "Share of channels that training drops")
    upsample_mode: Literal["deconv", "nontrainable", "pixelshuffle"] = imported(
        "nontrainable", "How the decoder enlarges features"
    )
    use_conv_final: bool = imported(True, "Whether a convolution ends the network")

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        deep = demand.levels + 1
        return cls(
            init_filters=demand.width,
            blocks_down=(*_DEEPER, *_DEEPER[-1:] * deep)[:deep],
            blocks_up=(1,) * demand.levels,
            norm=demand.norm,
            **demand.fields(),
        )

    @property
    def stride(self) -> int:
        return int(2 ** (len(self.blocks_down) - 1))

    @property
    def level_widths(self) -> tuple[int, ...]:
        return tuple(self.init_filters * 2**i for i in range(len(self.blocks_down)))


class FlexibleUNet(Architecture):
    """U-Net with an EfficientNet or ResNet as encoder, Tan and Le, 2019.

    https://doi.org/10.48550/arXiv.1905.11946; weights are fresh, nothing is downloaded. The encoder
    has batch norm.
    """

    fewest_strides: ClassVar[int] = 2  # batch norm needs more than one voxel at the coarsest level

    name: Literal["FlexibleUNet"] = "FlexibleUNet"
    backbone: Backbone = Field("efficientnet-b0", description="The encoder")
    decoder_channels: tuple[Width, Width, Width, Width, Width] = Field(
        (256, 128, 64, 32, 16), description="Feature channels of the decoder, coarsest first"
    )
    norm: AnyNorm = imported(_EFFICIENT, "Normalization layers of the encoder and decoder")
    act: AnyActivation = imported(_RELU, "Activation layers of the decoder")
    dropout: Share = imported(0.0, "Share of channels that training drops in the decoder")
    decoder_bias: bool = imported(False, "Whether convolutions of the decoder have a bias")
    upsample: Literal["deconv", "nontrainable", "pixelshuffle"] = imported(
        "nontrainable", "How the decoder enlarges features"
    )
    pre_conv: Literal["default"] | None = imported("default", "Convolution before enlarging")
    interp_mode: Literal["nearest", "bilinear", "trilinear", "linear", "bicubic"] = imported(
        "nearest", "Interpolation of enlarged features"
    )
    is_pad: bool = imported(True, "Whether features are padded to those of the encoder")

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        return cls(
            backbone="efficientnet-b0" if demand.small else "efficientnet-b2", **demand.fields()
        )

    @property
    def stride(self) -> int:
        return 32

    @property
    def level_widths(self) -> tuple[int, ...]:
        return self.decoder_channels[::-1]
