"""A SegFormer of transformers as a network of ours, which can be fine-tuned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...network.architectures import SegFormer
from ...network.runtimes.transformers_weights import load_network
from ..bundle import save_model
from ..weights import weights_path

if TYPE_CHECKING:
    from torch import Tensor

    from ..model_info import ModelInfo

_WEIGHT, _BIAS = "decode_head.classifier.weight", "decode_head.classifier.bias"
_NEVER = -30.0  # logit of a background that the network does not know
_USUAL = {
    "patch_sizes": [7, 3, 3, 3], "strides": [4, 2, 2, 2], "hidden_act": "gelu",
    "reshape_last_stage": True, "num_encoder_blocks": 4,
}  # fmt: skip
_FIELDS = (
    "hidden_sizes", "depths", "sr_ratios", "mlp_ratios", "decoder_hidden_size", "layer_norm_eps",
)  # fmt: skip


def is_segformer(architecture: str, config: dict[str, Any]) -> bool:
    """Return whether a network of transformers can be rebuilt."""
    if architecture != "SegformerForSemanticSegmentation":
        return False
    return all(config.get(name, usual) == usual for name, usual in _USUAL.items())


def write_segformer(
    folder: Path, target: Path, info: ModelInfo, *, first_is_background: bool
) -> None:
    """Write a network of ours with the weights of a folder, in full precision."""
    from safetensors.torch import save_file

    network = load_network(folder)
    own = {name: weight.clone().contiguous() for name, weight in network.state_dict().items()}
    if not first_is_background:
        _add_background(own, single=own[_BIAS].numel() == 1)
    architecture = as_segformer(network.config, own[_BIAS].numel())
    weights = {f"model.{name}": weight for name, weight in own.items()}
    save_model(target, info, architecture, weights)
    save_file(weights, target / weights_path(1))  # which were written in half precision


def as_segformer(options: Any, out_channels: int) -> SegFormer:
    """Return the architecture of a configuration of transformers."""
    fields = {name: getattr(options, name) for name in _FIELDS}
    fields = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    return SegFormer(
        in_channels=options.num_channels,
        out_channels=out_channels,
        num_heads=tuple(options.num_attention_heads),
        **fields,
    )


def _add_background(weights: dict[str, Tensor], *, single: bool) -> None:
    """Put a first channel before those of the classes, which is never the most probable one.

    Beside a single class it has the logit 0: the softmax is then the sigmoid of the class.
    """
    import torch

    weight, bias = weights[_WEIGHT], weights[_BIAS]
    weights[_WEIGHT] = torch.cat([torch.zeros_like(weight[:1]), weight])
    first = torch.full_like(bias[:1], 0.0 if single else _NEVER)
    weights[_BIAS] = torch.cat([first, bias])
