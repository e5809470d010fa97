"""Heads: the meaning of output channels, one head per file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny

from .base import HEADS, Head, Kind
from .boundary import Boundary
from .center import Center
from .distance import Distance
from .flow import Flow
from .hover import Hover
from .panoptic import Panoptic
from .regions import Regions
from .scored_masks import Masks
from .semantic import Semantic

for _member in (Semantic, Boundary, Distance, Center, Flow, Panoptic, Masks, Regions, Hover):
    HEADS.register(_member)

__all__ = [
    "HEADS", "AnyHead", "Boundary", "Center", "Distance", "Flow", "Head", "Hover", "Kind",
    "Masks", "Panoptic", "Regions", "Semantic", "object_heads",
]  # fmt: skip

AnyHead = Annotated[SerializeAsAny[Head], BeforeValidator(HEADS.validate)]


def object_heads() -> tuple[str, ...]:
    """Return the names of the heads that separate objects, the choices for training."""
    kinds = {name: HEADS[name] for name in HEADS}
    return tuple(
        name
        for name, head in kinds.items()
        if head.kind == "instances" and head.has_maps and head.is_trainable
    )
