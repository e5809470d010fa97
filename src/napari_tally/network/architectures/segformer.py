"""SegFormer: a transformer that is both encoder and, at a quarter of the image, decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field

from ...core.errors import InputError
from .architecture import Architecture, Demand, Repeats, Width

if TYPE_CHECKING:
    from torch import nn

_Heads = tuple[Width, Width, Width, Width]
_NARROW, _B0 = (16, 32, 80, 128), (32, 64, 160, 256)


class SegFormer(Architecture):
    """Hierarchical transformer of Xie et al., 2021, https://doi.org/10.48550/arXiv.2105.15203.

    2D; its maps have a quarter of the resolution and are enlarged to the image.
    """

    package: ClassVar[str] = "napari_tally.network.segformer_network"
    requires: ClassVar[str] = "transformers"
    fewest_strides: ClassVar[int] = 2  # batch norm needs more than one pixel

    name: Literal["SegFormer"] = "SegFormer"
    spatial_dims: Literal[2] = Field(2, description="Spatial axes of the images")
    hidden_sizes: _Heads = Field(_B0, description="Feature channels of each stage")
    depths: tuple[Repeats, Repeats, Repeats, Repeats] = Field(
        (2, 2, 2, 2), description="Transformer blocks of each stage"
    )
    num_heads: _Heads = Field((1, 2, 5, 8), description="Attention heads of each stage")
    sr_ratios: _Heads = Field((8, 4, 2, 1), description="Subsampling of keys of each stage")
    mlp_ratios: _Heads = Field((4, 4, 4, 4), description="Hidden channels of a block, relative")
    decoder_hidden_size: Width = Field(256, description="Feature channels of the decoder")
    layer_norm_eps: float = Field(1e-6, gt=0, le=1, description="Constant of layer norms")

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        if demand.ndim != 2:
            raise InputError(
                "SegFormer takes 2D images only",
                hint="Train on slices with --ndim 2, or choose another architecture",
            )
        narrow = {"hidden_sizes": _NARROW, "decoder_hidden_size": 128} if demand.small else {}
        return cls(**narrow, **demand.fields())

    @property
    def stride(self) -> int:
        return 32

    @property
    def level_widths(self) -> tuple[int, ...]:
        # Its first features are those of a quarter of the resolution.
        first, *rest = self.hidden_sizes
        return (first, first, first, *rest)

    def arguments(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in super().arguments().items()}

    def build(self) -> nn.Module:
        """Make the network, with fresh weights.

        Raises
        ------
        InputError
            If transformers is not installed.
        """
        self.check_installed()
        from ..segformer_network import SegFormer as Network

        return Network(**self.arguments())
