"""The network of SegFormer: that of transformers, with an output as large as the image."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class SegFormer(nn.Module):
    """`SegformerForSemanticSegmentation` of random weights; its maps are enlarged to the image."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        hidden_sizes: Sequence[int],
        depths: Sequence[int],
        num_heads: Sequence[int],
        sr_ratios: Sequence[int],
        mlp_ratios: Sequence[int],
        decoder_hidden_size: int,
        spatial_dims: int = 2,
        layer_norm_eps: float = 1e-6,
    ) -> None:
        super().__init__()
        from transformers import SegformerConfig, SegformerForSemanticSegmentation

        config = SegformerConfig(
            num_channels=in_channels,
            id2label={i: str(i) for i in range(out_channels)},
            label2id={str(i): i for i in range(out_channels)},
            hidden_sizes=list(hidden_sizes),
            depths=list(depths),
            num_attention_heads=list(num_heads),
            sr_ratios=list(sr_ratios),
            mlp_ratios=list(mlp_ratios),
            decoder_hidden_size=decoder_hidden_size,
            layer_norm_eps=layer_norm_eps,
        )
        self.model = SegformerForSemanticSegmentation(config)

    def forward(self, images: Tensor) -> Tensor:
        """Return maps (B, out_channels, Y, X) of images (B, in_channels, Y, X)."""
        maps = self.model(pixel_values=images).logits
        size = images.shape[2:]
        return nn.functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
