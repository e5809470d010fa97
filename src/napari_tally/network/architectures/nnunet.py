"""The U-Nets of nnU-Net v2, whose kernels and strides differ between axes."""

from __future__ import annotations

from math import ceil, lcm, prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from .architecture import MOST_LEVELS, Architecture, Demand, Length, Norm, Repeats, Width
from .u_nets import CHANNELS, NORM

if TYPE_CHECKING:
    from torch import nn

PerAxis = tuple[Length, ...]
_ODD = "Kernel size of each stage along each axis, odd"
_DOWN = "Downsampling in front of each stage along each axis"
_RESIDUAL = (1, 3, 4)  # blocks of the first stages; 6 of all others


class _NnUNet(Architecture):
    """What both have in common."""

    package: ClassVar[str] = "napari_tally.network.nnunet_networks"
    fewest_strides: ClassVar[int] = 2  # instance norm needs more than one voxel

    features_per_stage: tuple[Width, ...] = Field(
        (32, 64, 128, 256), min_length=2, max_length=MOST_LEVELS, description=CHANNELS
    )
    kernel_sizes: tuple[PerAxis, ...] = Field(
        ((3, 3),) * 4, min_length=2, max_length=MOST_LEVELS, description=_ODD
    )
    strides: tuple[PerAxis, ...] = Field(
        ((1, 1), *((2, 2),) * 3), min_length=2, max_length=MOST_LEVELS, description=_DOWN
    )
    counts: tuple[Repeats, ...] = Field(
        (2,) * 4, description="Convolutions or residual blocks of each stage of the encoder"
    )
    decoder_counts: tuple[Repeats, ...] = Field(
        (2,) * 3, description="Convolutions of each stage of the decoder, the coarsest first"
    )
    conv_bias: bool = Field(True, description="Whether convolutions have a bias")
    norm: Norm = Field("instance", description=NORM)
    norm_eps: float = Field(1e-5, gt=0, le=1, description="Constant of the normalization")
    norm_affine: bool = Field(True, description="Whether the normalization has weights")
    negative_slope: float = Field(
        0.01, ge=0, le=1, description="Slope of the leaky ReLU; 0 for a ReLU"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        stages = len(self.features_per_stage)
        lengths = (len(self.kernel_sizes), len(self.strides), len(self.counts))
        if lengths != (stages,) * 3 or len(self.decoder_counts) != stages - 1:
            raise ValueError(
                f"{stages} stages need as many kernels, strides and counts, and one count less "
                f"for the decoder: there are {lengths} and {len(self.decoder_counts)}"
            )
        each = (*self.kernel_sizes, *self.strides)
        if any(len(one) != self.spatial_dims for one in each):
            raise ValueError(f"kernels and strides need {self.spatial_dims} numbers each")
        if any(k % 2 == 0 for kernel in self.kernel_sizes for k in kernel):
            raise ValueError("kernels have odd lengths")
        return self

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        stages = demand.levels + 1
        return cls(
            features_per_stage=demand.widths(),
            kernel_sizes=((3,) * demand.ndim,) * stages,
            strides=((1,) * demand.ndim, *((2,) * demand.ndim,) * demand.levels),
            counts=cls.planned_counts(stages),
            decoder_counts=(cls.planned_counts(1)[0],) * demand.levels,
            norm=demand.norm,
            **demand.fields(),
        )

    @classmethod
    def planned_counts(cls, stages: int) -> tuple[int, ...]:
        """Return the convolutions or blocks of each stage, as nnU-Net plans them."""
        return (2,) * stages

    @property
    def strides_of_axes(self) -> tuple[int, ...]:
        """The factor by which the network downsamples along each axis."""
        return tuple(
            prod(stage[axis] for stage in self.strides) for axis in range(self.spatial_dims)
        )

    @property
    def stride(self) -> int:
        return lcm(*self.strides_of_axes)

    @property
    def level_widths(self) -> tuple[int, ...]:
        return self.features_per_stage

    def fit(self, patch: tuple[int, ...]) -> tuple[int, ...]:
        pairs = zip(patch, self.strides_of_axes, strict=True)
        return tuple(s * max(self.fewest_strides, ceil(n / s)) for n, s in pairs)

    def arguments(self) -> dict[str, Any]:
        return {
            name: [list(v) if isinstance(v, tuple) else v for v in value]
            if isinstance(value, tuple)
            else value
            for name, value in super().arguments().items()
        }

    def build(self) -> nn.Module:
        """Make the network, with fresh weights."""
        from .. import nnunet_networks

        network: nn.Module = getattr(nnunet_networks, self.name)(**self.arguments())
        return network


class PlainConvUNet(_NnUNet):
    """U-Net of nnU-Net v2, Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z."""

    name: Literal["PlainConvUNet"] = "PlainConvUNet"


class ResidualEncoderUNet(_NnUNet):
    """Residual encoder of nnU-Net, Isensee et al., 2024, https://doi.org/10.48550/arXiv.2404.09556.

    Its decoder is that of `PlainConvUNet`.
    """

    name: Literal["ResidualEncoderUNet"] = "ResidualEncoderUNet"

    @classmethod
    def planned_counts(cls, stages: int) -> tuple[int, ...]:
        return (*_RESIDUAL, *(6,) * stages)[:stages]
