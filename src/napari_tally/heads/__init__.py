"""Heads: what output channels mean, one head a file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .boundary import Boundary
from .center import Center
from .distance import Distance
from .flow import Flow
from .panoptic import Panoptic
from .semantic import Semantic

AnyHead = Annotated[
    Semantic | Boundary | Center | Distance | Flow | Panoptic, Field(discriminator="name")
]
