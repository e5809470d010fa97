"""Networks for images with reversed spatial axes: MONAI reads (X, Y, Z), we (Z, Y, X)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ..network.architectures import Architecture

_TRANSFORMERS = ("SwinUNETR", "UNETR", "SegFormer")


def can_turn(architecture: Architecture) -> bool:
    """Return whether weights can be rearranged for reversed axes: those of plain convolutions."""
    return architecture.name not in _TRANSFORMERS


def turned(
    architecture: Architecture, weights: dict[str, Tensor]
) -> tuple[Architecture, dict[str, Tensor]]:
    """Return a network of convolutions for images with reversed spatial axes."""
    dims = architecture.spatial_dims
    axes = (0, 1, *range(dims + 1, 1, -1))
    changed = {
        name: weight.permute(axes).contiguous() if weight.ndim == dims + 2 else weight
        for name, weight in weights.items()
    }
    fields = architecture.model_dump()
    for key in ("strides", "kernel_size"):
        if isinstance(fields.get(key), tuple):
            fields[key] = tuple(_reversed(each) for each in fields[key])
    return type(architecture).model_validate(fields), changed


def _reversed(lengths: Any) -> Any:
    return lengths[::-1] if isinstance(lengths, tuple) else lengths
