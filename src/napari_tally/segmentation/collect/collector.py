"""What collects the results of a model: its objects, its classes, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...heads.panoptic import Panoptic
from ...heads.semantic import Semantic
from .classes import Classes
from .objects import Separation
from .panoptic import PanopticObjects

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.model_info import ModelInfo
    from ..maps.stack_strategies import Way
    from ..setup.model_input import Planes
    from ..setup.options import SegmentOptions


def separation(
    volume: Volume, planes: Planes, info: ModelInfo, options: SegmentOptions, way: Way
) -> Separation:
    """Return what collects the results of a model."""
    if isinstance(info.head, Semantic):
        return Classes(volume, planes, info, options)
    if isinstance(info.head, Panoptic):
        return PanopticObjects(volume, planes, info, options, way)
    return Separation(volume, planes, info, options, way)
