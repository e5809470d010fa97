"""Networks of transformers with some thousand random weights, one of each family."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import transformers as t

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

NAMES = {0: "nucleus", 1: "cell", 2: "debris"}
_LABELS: dict[str, Any] = {"id2label": NAMES, "label2id": {v: k for k, v in NAMES.items()}}
_WIDTHS = [8, 8, 8, 8]


def _resnet() -> Any:
    return t.ResNetConfig(
        embedding_size=8,
        hidden_sizes=_WIDTHS,
        depths=[1] * 4,
        layer_type="basic",
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def _swin() -> Any:
    return t.SwinConfig(
        embed_dim=8,
        depths=[1] * 4,
        num_heads=[1, 1, 2, 2],
        window_size=2,
        image_size=64,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def _detr() -> dict[str, Any]:
    return {
        "backbone_config": _resnet(), "use_timm_backbone": False, "d_model": 16, "num_queries": 7,
        "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16,
        "encoder_attention_heads": 8, "decoder_attention_heads": 8, **_LABELS,
    }  # fmt: skip


def _masks() -> dict[str, Any]:
    return {
        "feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32, "num_queries": 7,
        "encoder_feedforward_dim": 16, "encoder_layers": 1, "num_attention_heads": 2,
        "dim_feedforward": 16, "decoder_layers": 2, **_LABELS,
    }  # fmt: skip


def _vit() -> dict[str, Any]:
    return {
        "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2,
        "intermediate_size": 16, "image_size": 64, **_LABELS,
    }  # fmt: skip


def segformer(**changed: Any) -> torch.nn.Module:
    """Return a SegFormer."""
    given = {
        "hidden_sizes": _WIDTHS, "depths": [1] * 4, "num_attention_heads": [1, 1, 2, 2],
        "decoder_hidden_size": 16, "mlp_ratios": [2] * 4, **_LABELS, **changed,
    }  # fmt: skip
    return t.SegformerForSemanticSegmentation(t.SegformerConfig(**given))


def mask2former(**changed: Any) -> torch.nn.Module:
    """Return a Mask2Former."""
    given = {"backbone_config": _swin(), **_masks(), **changed}
    return t.Mask2FormerForUniversalSegmentation(t.Mask2FormerConfig(**given))


def _maskformer() -> torch.nn.Module:
    decoder = t.DetrConfig(
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=7,
    )
    return t.MaskFormerForInstanceSegmentation(
        t.MaskFormerConfig(
            fpn_feature_size=32,
            mask_feature_size=32,
            backbone_config=_swin(),
            decoder_config=decoder,
            **_LABELS,
        )
    )


def _oneformer() -> torch.nn.Module:
    return t.OneFormerForUniversalSegmentation(
        t.OneFormerConfig(
            backbone_config=_swin(),
            num_queries=7,
            hidden_dim=32,
            mask_dim=32,
            conv_dim=32,
            encoder_feedforward_dim=16,
            encoder_layers=1,
            num_attention_heads=2,
            dim_feedforward=16,
            decoder_layers=2,
            text_encoder_width=16,
            text_encoder_num_layers=1,
            text_encoder_context_length=8,
            text_encoder_vocab_size=300,
            task_seq_len=8,
            max_seq_len=8,
            query_dec_layers=1,
            is_training=False,
            **_LABELS,
        )
    )


def _upernet() -> torch.nn.Module:
    config = t.UperNetConfig(
        backbone_config=_swin(),
        hidden_size=8,
        auxiliary_in_channels=32,
        auxiliary_channels=8,
        pool_scales=[1, 2],
        **_LABELS,
    )
    return t.UperNetForSemanticSegmentation(config)


def _mobilevit() -> torch.nn.Module:
    config = t.MobileViTConfig(
        hidden_sizes=[8, 8, 8],
        neck_hidden_sizes=[8] * 6 + [16],
        num_attention_heads=2,
        aspp_out_channels=8,
        **_LABELS,
    )
    return t.MobileViTForSemanticSegmentation(config)


def _dpt() -> torch.nn.Module:
    config = t.DPTConfig(
        **_vit(),
        neck_hidden_sizes=_WIDTHS,
        fusion_hidden_size=8,
        backbone_out_indices=[0, 1, 2, 3],
    )
    return t.DPTForSemanticSegmentation(config)


def _beit() -> torch.nn.Module:
    config = t.BeitConfig(**_vit(), out_indices=[1, 2, 3, 4], use_auxiliary_head=False)
    return t.BeitForSemanticSegmentation(config)


def _eomt() -> torch.nn.Module:
    config = t.EomtConfig(**_vit(), num_queries=7, num_blocks=1, num_upscale_blocks=2)
    return t.EomtForUniversalSegmentation(config)


def _rfdetr() -> torch.nn.Module:
    backbone = t.RfDetrDinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=64,
        patch_size=8,
        num_windows=2,
        out_features=["stage2", "stage3", "stage4"],
    )
    return t.RfDetrForInstanceSegmentation(
        t.RfDetrConfig(
            backbone_config=backbone,
            d_model=16,
            decoder_layers=1,
            decoder_ffn_dim=16,
            decoder_self_attention_heads=2,
            decoder_cross_attention_heads=2,
            num_queries=7,
            c2f_num_blocks=1,
            group_detr=1,
            **_LABELS,
        )
    )


def _rtdetr() -> torch.nn.Module:
    backbone = t.RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=_WIDTHS,
        depths=[1] * 4,
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    return t.RTDetrForObjectDetection(
        t.RTDetrConfig(
            backbone_config=backbone,
            encoder_hidden_dim=16,
            encoder_in_channels=[8, 8, 8],
            decoder_in_channels=[16] * 3,
            d_model=16,
            num_queries=7,
            decoder_layers=1,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            num_denoising=0,
            **_LABELS,
        )
    )


def _yolos() -> torch.nn.Module:
    config = t.YolosConfig(**{**_vit(), "image_size": [64, 64]}, num_detection_tokens=7)
    return t.YolosForObjectDetection(config)


MODELS: dict[str, Callable[[], torch.nn.Module]] = {
    "SegFormer": segformer,
    "UPerNet": _upernet,
    "MobileViT": _mobilevit,
    "MobileNetV2": lambda: t.MobileNetV2ForSemanticSegmentation(
        t.MobileNetV2Config(depth_multiplier=0.1, **_LABELS)
    ),
    "DPT": _dpt,
    "BEiT": _beit,
    "Mask2Former": mask2former,
    "MaskFormer": _maskformer,
    "OneFormer": _oneformer,
    "EoMT": _eomt,
    "DETR masks": lambda: t.DetrForSegmentation(t.DetrConfig(**_detr())),
    "DETR boxes": lambda: t.DetrForObjectDetection(t.DetrConfig(**_detr())),
    "RF-DETR": _rfdetr,
    "RT-DETR": _rtdetr,
    "YOLOS": _yolos,
}


def save(model: torch.nn.Module, folder: Path, processor: dict[str, Any] | None = None) -> Path:
    """Write a model as its authors would, with the settings of its preprocessing."""
    model.save_pretrained(folder)
    if type(model).__name__.startswith("OneFormer"):
        _save_tokenizer(folder)
    given = {"do_rescale": True, "do_normalize": True, "size": {"height": 64, "width": 64}}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor or given))
    return folder


def _save_tokenizer(folder: Path) -> None:
    """Write the tokenizer of CLIP with single letters as its words."""
    letters = [chr(i) for i in range(33, 127)]
    words = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
