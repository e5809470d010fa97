"""The networks that a model can have, each a class of options: MONAI's, nnU-Net's, SegFormer.

They are written into a bundle's `network_def` as MONAI expects it and read back from it; no class
is ever instantiated that is not in `ARCHITECTURES`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError

from ...core.errors import ModelError
from ...core.option_registry import Registry
from .architecture import Architecture, Demand
from .encoders import FlexibleUNet, SegResNet
from .hovernet import HoVerNet
from .nnunet import PlainConvUNet, ResidualEncoderUNet
from .segformer import SegFormer
from .transformers import UNETR, SwinUNETR
from .u_nets import AttentionUnet, BasicUNet, DynUNet, UNet

__all__ = [
    "ARCHITECTURES",
    "UNETR",
    "AnyArchitecture",
    "Architecture",
    "AttentionUnet",
    "BasicUNet",
    "Demand",
    "DynUNet",
    "FlexibleUNet",
    "PlainConvUNet",
    "ResidualEncoderUNet",
    "SegFormer",
    "SegResNet",
    "SwinUNETR",
    "UNet",
    "from_definition",
]

ARCHITECTURES: Registry[Architecture] = Registry(
    "architecture",
    [
        DynUNet,
        UNet,
        BasicUNet,
        SegResNet,
        AttentionUnet,
        FlexibleUNet,
        SwinUNETR,
        UNETR,
        SegFormer,
        PlainConvUNet,
        ResidualEncoderUNet,
    ],
)
# Networks of imported models that are not trained here.
IMPORTED: Registry[Architecture] = Registry("architecture", [HoVerNet])
AnyArchitecture = Annotated[SerializeAsAny[Architecture], BeforeValidator(ARCHITECTURES.validate)]


def from_definition(definition: dict[str, Any]) -> Architecture:
    """Read a bundle's `network_def` without evaluating anything in it.

    Raises
    ------
    ModelError
        If the class is not in `ARCHITECTURES`, or an argument is not a plain value of it.
    """
    fields = dict(definition)
    target = str(fields.pop("_target_", ""))
    fields.pop("upsample_kernel_size", None)
    kinds = [registry[name] for registry in (ARCHITECTURES, IMPORTED) for name in registry]
    known = {kind.target(): kind for kind in kinds}
    if target not in known:
        raise ModelError(
            f"Models cannot use the network {target!r}",
            hint=f"Available: {', '.join(ARCHITECTURES)}",
        )
    try:
        return known[target].model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"The network_def of {target.rpartition('.')[2]} is invalid: {where}: {first['msg']}",
            hint="Arguments must be plain values",
        ) from None
