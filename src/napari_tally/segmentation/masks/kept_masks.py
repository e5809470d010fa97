"""What a network that returns masks or boxes found in an image, to be resolved again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plane_masks import PlaneMasks

LEAST = 0.05  # minimum score of the objects that are kept for other thresholds


@dataclass(frozen=True, eq=False)
class KeptMasks:
    """The objects of each plane in order, with low scores too.

    Attributes
    ----------
    threshold : float
        Minimum score; a run with a lower one needs the network.
    planes : tuple of PlaneMasks
    notes : tuple of str
        Of the run, without those on the objects.
    """

    threshold: float
    planes: tuple[PlaneMasks, ...]
    notes: tuple[str, ...] = ()
