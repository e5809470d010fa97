"""U-Nets whose encoder is a vision transformer; they need the package einops."""

from __future__ import annotations

from math import prod
from typing import ClassVar, Literal, Self

from pydantic import Field

from ..tile_layout import Tiling
from .architecture import Architecture, Demand, Length, Repeats, Share, Width
from .layer_choices import AnyNorm, imported

_TOKEN = 16  # px a side of what becomes one token of UNETR
_LARGEST = {2: 256, 3: 96}
_FEATURES = 12  # SwinUNETR takes multiples


class SwinUNETR(Architecture):
    """U-Net with a Swin transformer, Hatamizadeh et al., 2022.

    https://doi.org/10.48550/arXiv.2201.01266.
    """

    requires: ClassVar[str] = "einops"
    fewest_strides: ClassVar[int] = 2

    name: Literal["SwinUNETR"] = "SwinUNETR"
    feature_size: int = Field(
        24,
        ge=_FEATURES,
        le=2**12,
        multiple_of=_FEATURES,
        description="Feature channels of the finest level",
    )
    depths: tuple[Repeats, Repeats, Repeats, Repeats] = Field(
        (2, 2, 2, 2), description="Transformer blocks of each stage"
    )
    num_heads: tuple[Width, Width, Width, Width] = Field(
        (3, 6, 12, 24), description="Attention heads of each stage"
    )
    norm_name: AnyNorm = Field("batch", description="Normalization layers of the decoder")
    patch_size: Literal[2] = imported(2, "Length of a token, px")
    window_size: Length = imported(7, "Length of an attention window, tokens")
    qkv_bias: bool = imported(True, "Whether attention has a bias")
    mlp_ratio: float = imported(4.0, "Hidden channels of a block, relative")
    drop_rate: Share = imported(0.0, "Dropout")
    attn_drop_rate: Share = imported(0.0, "Dropout of attention")
    dropout_path_rate: Share = imported(0.0, "Dropout of paths")
    normalize: bool = imported(True, "Whether features of each stage are normalized")
    patch_norm: bool = imported(False, "Whether tokens are normalized")
    downsample: Literal["merging", "mergingv2"] = imported("merging", "How tokens are merged")
    use_v2: bool = imported(False, "Whether stages begin with a convolution")

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        size = _FEATURES if demand.small else 4 * _FEATURES
        return cls(feature_size=size, **demand.fields())

    @property
    def stride(self) -> int:
        return 32

    @property
    def level_widths(self) -> tuple[int, ...]:
        return (self.feature_size, *(self.feature_size * 2**i for i in range(5)))


class UNETR(Architecture):
    """U-Net with a vision transformer, Hatamizadeh et al., 2022.

    https://doi.org/10.48550/arXiv.2103.10504. It takes images of one size only, to which its
    position embedding belongs: patches and tiles are all of `img_size`.
    """

    requires: ClassVar[str] = "einops"

    name: Literal["UNETR"] = "UNETR"
    img_size: int = Field(
        96,
        ge=32,
        le=2**12,
        multiple_of=_TOKEN,
        description="Length of patches and tiles along each axis, px",
    )
    feature_size: Width = Field(16, description="Feature channels of the finest level")
    hidden_size: Width = Field(768, description="Length of a token")
    mlp_dim: Width = Field(3072, description="Hidden channels of a transformer block")
    num_heads: Width = Field(12, description="Attention heads")
    norm_name: AnyNorm = Field("batch", description="Normalization layers of the decoder")
    proj_type: Literal["conv", "perceptron"] = imported("conv", "How patches become tokens")
    conv_block: bool = imported(True, "Whether skips have convolutions")
    res_block: bool = imported(True, "Whether blocks are residual")
    dropout_rate: Share = imported(0.0, "Dropout")
    qkv_bias: bool = imported(False, "Whether attention has a bias")

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        length = prod(demand.patch) ** (1 / demand.ndim)
        size = min(_LARGEST[demand.ndim], max(32, _TOKEN * round(length / _TOKEN)))
        narrow = {"hidden_size": 192, "mlp_dim": 768, "num_heads": 6} if demand.small else {}
        return cls(img_size=size, feature_size=demand.width, **narrow, **demand.fields())

    @property
    def stride(self) -> int:
        return self.img_size

    @property
    def level_widths(self) -> tuple[int, ...]:
        return tuple(self.feature_size * 2**i for i in range(4))

    def fit(self, patch: tuple[int, ...]) -> tuple[int, ...]:
        return (self.img_size,) * len(patch)

    def fit_tiling(self, tiling: Tiling) -> Tiling:
        halo = min(tiling.halo, self.img_size // 4)
        return Tiling(tile=self.img_size, halo=halo, mirror=0, exact=True)
