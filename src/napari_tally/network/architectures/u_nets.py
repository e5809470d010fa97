"""U-Nets of plain, residual or gated convolutions."""

from __future__ import annotations

from math import lcm, prod
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from .architecture import MOST_LEVELS, Architecture, Demand, Length, Lengths, Share, Width
from .layer_choices import AnyActivation, AnyNorm, imported

NORM = "Normalization layers"
CHANNELS = "Feature channels of each level"
STRIDES = "Downsampling between levels"
ACTIVATION = "Activation layers"
KERNEL, UP_KERNEL = "Kernel size", "Kernel size of the decoder"
BIAS = "Whether convolutions have a bias"
DROPOUT = "Share of channels that training drops"
Ordering = Annotated[str, Field(pattern=r"^[AND]{0,3}$")]
_LEAKY: Any = ("leakyrelu", {"inplace": True, "negative_slope": 0.01})
_LEAKIER: Any = ("leakyrelu", {"negative_slope": 0.1, "inplace": True})


class UNet(Architecture):
    """Residual U-Net of Kerfoot et al., 2019, https://doi.org/10.1007/978-3-030-12029-0_40."""

    name: Literal["UNet"] = "UNet"
    channels: tuple[Width, ...] = Field(
        (32, 64, 128, 256), min_length=2, max_length=MOST_LEVELS, description=CHANNELS
    )
    strides: tuple[Lengths, ...] = Field(
        (2, 2, 2), min_length=1, max_length=MOST_LEVELS, description=STRIDES
    )
    num_res_units: int = Field(
        2, ge=0, le=64, description="Residual units of each level; 0 for none"
    )
    norm: AnyNorm = Field("batch", description=NORM)
    act: AnyActivation = imported("prelu", ACTIVATION)
    dropout: Share = imported(0.0, DROPOUT)
    bias: bool = imported(True, BIAS)
    adn_ordering: Ordering = imported("NDA", "Order of activation, dropout and norm")
    kernel_size: Length = imported(3, KERNEL)
    up_kernel_size: Length = imported(3, UP_KERNEL)

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        strides = (2,) * demand.levels
        return cls(channels=demand.widths(), strides=strides, norm=demand.norm, **demand.fields())

    @property
    def stride(self) -> int:
        return _stride(self.strides, self.spatial_dims)

    @property
    def level_widths(self) -> tuple[int, ...]:
        return self.channels


class AttentionUnet(Architecture):
    """U-Net with attention gates of Oktay et al., 2018, https://doi.org/10.48550/arXiv.1804.03999.

    MONAI's has batch norm.
    """

    name: Literal["AttentionUnet"] = "AttentionUnet"
    channels: tuple[Width, ...] = Field(
        (32, 64, 128, 256), min_length=2, max_length=MOST_LEVELS, description=CHANNELS
    )
    strides: tuple[Length, ...] = Field(
        (2, 2, 2), min_length=1, max_length=MOST_LEVELS, description=STRIDES
    )
    kernel_size: Length = imported(3, KERNEL)
    up_kernel_size: Length = imported(3, UP_KERNEL)
    dropout: Share = imported(0.0, DROPOUT)

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        return cls(channels=demand.widths(), strides=(2,) * demand.levels, **demand.fields())

    @property
    def stride(self) -> int:
        return prod(self.strides)

    @property
    def level_widths(self) -> tuple[int, ...]:
        return self.channels


class BasicUNet(Architecture):
    """Plain U-Net of Falk et al., 2019, https://doi.org/10.1038/s41592-018-0261-2."""

    fewest_strides: ClassVar[int] = 2

    name: Literal["BasicUNet"] = "BasicUNet"
    features: tuple[Width, Width, Width, Width, Width, Width] = Field(
        (32, 32, 64, 128, 256, 32), description=f"{CHANNELS}, and of the last layer"
    )
    norm: AnyNorm = Field("batch", description=NORM)
    act: AnyActivation = imported(_LEAKIER, ACTIVATION)
    bias: bool = imported(True, BIAS)
    dropout: Share = imported(0.0, DROPOUT)
    upsample: Literal["deconv", "nontrainable", "pixelshuffle"] = imported(
        "deconv", "How the decoder enlarges features"
    )

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        first, *rest = demand.widths(3)
        features = (first, first, *rest, first)
        return cls(features=features, norm=demand.norm, **demand.fields())

    @property
    def stride(self) -> int:
        return 16

    @property
    def level_widths(self) -> tuple[int, ...]:
        return self.features[:-1]


class DynUNet(Architecture):
    """U-Net of nnU-Net, Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z."""

    name: Literal["DynUNet"] = "DynUNet"
    kernel_size: tuple[Lengths, ...] = Field(
        (3, 3, 3, 3, 3),
        min_length=3,
        max_length=MOST_LEVELS,
        description="Kernel size of each level",
    )
    strides: tuple[Lengths, ...] = Field(
        (1, 2, 2, 2, 2),
        min_length=3,
        max_length=MOST_LEVELS,
        description="Downsampling in front of each level",
    )
    filters: tuple[Width, ...] = Field(
        (16, 32, 64, 128, 256), min_length=3, max_length=MOST_LEVELS, description=CHANNELS
    )
    norm_name: AnyNorm = Field("batch", description=NORM)
    res_block: bool = Field(True, description="Whether blocks are residual")
    deep_supervision: bool = Field(
        False, description="Whether coarser levels are compared with the ground truth in training"
    )
    deep_supr_num: int = Field(
        1, ge=1, le=MOST_LEVELS, description="Number of coarser levels that are compared"
    )
    act_name: AnyActivation = imported(_LEAKY, ACTIVATION)
    dropout: Share | None = imported(None, DROPOUT)
    trans_bias: bool = imported(False, "Whether transposed convolutions have a bias")

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        return cls(
            kernel_size=(3,) * (demand.levels + 1),
            strides=(1, *(2,) * demand.levels),
            filters=demand.widths(),
            norm_name=demand.norm,
            deep_supervision=demand.classes,  # as nnU-Net
            deep_supr_num=demand.levels - 1,
            **demand.fields(),
        )

    @property
    def stride(self) -> int:
        return _stride(self.strides, self.spatial_dims)

    @property
    def level_widths(self) -> tuple[int, ...]:
        return self.filters

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "upsample_kernel_size": self.strides[1:]}


def _stride(strides: tuple[Lengths, ...], dims: int) -> int:
    """Return the factor of all axes, whose strides may differ."""
    axes = [[s] * dims if isinstance(s, int) else s for s in strides]
    return lcm(*(prod(along) for along in zip(*axes, strict=True)))
