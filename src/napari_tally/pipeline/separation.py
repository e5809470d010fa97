"""What collects the results of a model: its objects, its classes, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..heads.panoptic import Panoptic
from ..heads.semantic import Semantic
from .classes import Classes
from .panoptic import PanopticObjects
from .separate import Separation

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..models.info import ModelInfo
    from .options import SegmentOptions
    from .prepare import Planes
    from .stack import Way


def separation(
    volume: Volume, planes: Planes, info: ModelInfo, options: SegmentOptions, way: Way
) -> Separation:
    """Return what collects the results of a model."""
    if isinstance(info.head, Semantic):
        return Classes(volume, planes, info, options)
    if isinstance(info.head, Panoptic):
        return PanopticObjects(volume, planes, info, options, way)
    return Separation(volume, planes, info, options, way)
