"""HoVer-Net, for networks that were trained elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ...core.errors import InputError
from .architecture import Architecture, Demand, Share, Width
from .layer_choices import AnyActivation, AnyNorm, imported

if TYPE_CHECKING:
    from torch import nn

_SIZES = {"original": (270, 80), "fast": (256, 164)}  # px of an input, and of its output
_RELU: Any = ("relu", {"inplace": True})


class HoVerNet(Architecture):
    """Network of Graham et al., 2019, https://doi.org/10.1016/j.media.2019.101563.

    It takes images of one size only, and its maps lack a rim of it.
    """

    package: ClassVar[str] = "napari_tally.network.hovernet_network"

    name: Literal["HoVerNet"] = "HoVerNet"
    spatial_dims: Literal[2] = Field(2, description="Spatial axes of the images")
    in_channels: Width = Field(3, description="Channels of the images")
    out_channels: Width = Field(4, description="Channels of the prediction maps")
    mode: Literal["original", "fast"] = Field("fast", description="Size of windows and kernels")
    out_classes: int = Field(0, ge=0, le=128, description="Types of nuclei, the background first")
    np_out_channels: Literal[2] = imported(2, "Channels of the nucleus prediction")
    act: AnyActivation = imported(_RELU, "Activation layers of the encoder")
    norm: AnyNorm = imported("batch", "Normalization layers of the encoder")
    decoder_padding: bool = imported(False, "Whether the decoder pads")
    dropout_prob: Share = imported(0.0, "Share of channels that training drops")

    @model_validator(mode="before")
    @classmethod
    def _counted(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and isinstance(fields.get("out_classes", 0), int):
            return {**fields, "out_channels": 4 + fields.get("out_classes", 0)}
        return fields

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        raise InputError("HoVerNet cannot be trained here", hint="Choose another architecture")

    @property
    def rim(self) -> int:
        """Px on each side of a window without output."""
        taken, given = _SIZES[self.mode]
        return 0 if self.decoder_padding and self.mode == "fast" else (taken - given) // 2

    @property
    def stride(self) -> int:
        return _SIZES[self.mode][0]

    @property
    def level_widths(self) -> tuple[int, ...]:
        return (64, 256, 512, 1024)

    def fit(self, patch: tuple[int, ...]) -> tuple[int, ...]:
        return (self.stride,) * len(patch)

    def build(self) -> nn.Module:
        """Make the network, with fresh weights."""
        from ..hovernet_network import HoVerNet as Network

        return Network(**self.arguments())
