"""The networks that a model may be made of: MONAI's U-Nets, each as a small option.

The options are written into a bundle's `network_def` as MONAI expects it and read back from it;
only the classes listed here are ever instantiated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from ..core.errors import ModelError
from ..core.options import Options

if TYPE_CHECKING:
    from torch import nn

Norm = Literal["batch", "instance"]
_PACKAGE = "monai.networks.nets."


class Architecture(Options):
    """A network of MONAI: maps (B, in_channels, *spatial) to (B, out_channels, *spatial)."""

    target: ClassVar[str]

    spatial_dims: Literal[2, 3] = 2
    in_channels: int = Field(1, ge=1)
    out_channels: int = Field(2, ge=1)

    @property
    def stride(self) -> int:
        """By how much the network shrinks the image inside: windows are multiples of it."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the MONAI class."""
        return self.model_dump(exclude={"name"})

    def definition(self) -> dict[str, Any]:
        """Return the `network_def` of a MONAI bundle."""
        return {"_target_": _PACKAGE + self.target, **self.arguments()}

    def build(self) -> nn.Module:
        """Make the network, with fresh weights."""
        from monai.networks import nets

        network: nn.Module = getattr(nets, self.target)(**self.arguments())
        return network


class UNet(Architecture):
    """Residual U-Net of Kerfoot et al., 2019, https://doi.org/10.1007/978-3-030-12029-0_40."""

    target: ClassVar[str] = "UNet"
    name: Literal["UNet"] = "UNet"
    channels: tuple[int, ...] = (32, 64, 128, 256)
    strides: tuple[int, ...] = (2, 2, 2)
    num_res_units: int = Field(2, ge=0)
    norm: Norm = "batch"

    @property
    def stride(self) -> int:
        return int(np.prod(self.strides))


class BasicUNet(Architecture):
    """Plain U-Net of Falk et al., 2019, https://doi.org/10.1038/s41592-018-0261-2."""

    target: ClassVar[str] = "BasicUNet"
    name: Literal["BasicUNet"] = "BasicUNet"
    features: tuple[int, int, int, int, int, int] = (32, 32, 64, 128, 256, 32)
    norm: Norm = "batch"

    @property
    def stride(self) -> int:
        return 16


class DynUNet(Architecture):
    """U-Net of nnU-Net, Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z."""

    target: ClassVar[str] = "DynUNet"
    name: Literal["DynUNet"] = "DynUNet"
    kernel_size: tuple[int, ...] = (3, 3, 3, 3, 3)
    strides: tuple[int, ...] = (1, 2, 2, 2, 2)
    filters: tuple[int, ...] = (16, 32, 64, 128, 256)
    norm_name: Norm = "batch"
    res_block: bool = True
    deep_supervision: bool = Field(
        False, description="Whether coarser levels are told the truth, too, while it learns"
    )
    deep_supr_num: int = Field(1, ge=1, description="How many of them")

    @property
    def stride(self) -> int:
        return int(np.prod(self.strides))

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "upsample_kernel_size": self.strides[1:]}


class SegResNet(Architecture):
    """Residual encoder-decoder of Myronenko, 2018, https://doi.org/10.48550/arXiv.1810.11654."""

    target: ClassVar[str] = "SegResNet"
    name: Literal["SegResNet"] = "SegResNet"
    init_filters: int = Field(16, ge=1)
    blocks_down: tuple[int, ...] = (1, 2, 2, 4)
    blocks_up: tuple[int, ...] = (1, 1, 1)
    norm: Norm = "batch"

    @property
    def stride(self) -> int:
        return int(2 ** (len(self.blocks_down) - 1))


class AttentionUnet(Architecture):
    """U-Net with attention gates of Oktay et al., 2018, https://doi.org/10.48550/arXiv.1804.03999.

    MONAI normalizes it by batch.
    """

    target: ClassVar[str] = "AttentionUnet"
    name: Literal["AttentionUnet"] = "AttentionUnet"
    channels: tuple[int, ...] = (32, 64, 128, 256)
    strides: tuple[int, ...] = (2, 2, 2)

    @property
    def stride(self) -> int:
        return int(np.prod(self.strides))


AnyArchitecture = Annotated[
    UNet | BasicUNet | DynUNet | SegResNet | AttentionUnet, Field(discriminator="name")
]


def from_definition(definition: dict[str, Any]) -> Architecture:
    """Read a bundle's `network_def` without evaluating anything in it.

    Raises
    ------
    ModelError
        If the class is not one of those listed here, or an argument is not a plain value of it.
    """
    fields = dict(definition)
    target = str(fields.pop("_target_", ""))
    fields.pop("upsample_kernel_size", None)
    name = target.removeprefix(_PACKAGE)
    allowed = ", ".join(sorted(c.target for c in Architecture.__subclasses__()))
    adapter: TypeAdapter[Architecture] = TypeAdapter(AnyArchitecture)
    if name not in allowed.split(", "):
        raise ModelError(f"A network of MONAI is needed ({allowed})", repr(target))
    try:
        return adapter.validate_python({"name": name, **fields})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"Plain arguments of {name} are needed in network_def", f"{where}: {first['msg']}"
        ) from None
