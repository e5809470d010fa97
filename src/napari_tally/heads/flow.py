"""Objects from the foreground and a flow from each voxel to its object's centre."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..core.connected_components import are_connected
from .base import Head, Labels, Maps
from .border_classes import BACKGROUND
from .decoding.follow_flow import follow
from .encoding.geodesic_flow import write_flows
from .masked_losses import cross_entropy, known_part, mean_known
from .object_tests import confident, consistent, flow_error, not_tiny

if TYPE_CHECKING:
    from torch import Tensor

FOREGROUND, FLOW = 1, 2  # FLOW is the first of its channels
_CERTAIN, _FITTING = 0.75, 0.35  # mean probability and flow error of a consistent object


class Flow(Head):
    """Background, foreground; unit flow to the centre, along a path within the object.

    Voxels follow the flow; those that end together are one object, after Cellpose (Stringer et al.,
    2021, https://doi.org/10.1038/s41592-020-01018-x), with the flow of `geodesic_flow` and the
    decoding of `follow_flow`. Objects that fail a test (`object_tests`) are then removed.
    """

    knows_consistency: ClassVar[bool] = True
    domain: ClassVar[str] = "Every object is connected (full connectivity)."

    tunable: ClassVar[tuple[str, ...]] = (
        "reach", "mean_probability", "flow_error", "relative_size",
    )  # fmt: skip

    name: Literal["flow"] = "flow"
    threshold: float = Field(
        0.5, gt=0, lt=1, description="Minimum probability of a voxel of an object"
    )
    reach: float = Field(
        3.0,
        ge=0,
        description="Maximum distance between the flow ends of one object in noisy maps, in voxels",
    )
    mean_probability: float = Field(
        0.0, ge=0, lt=1, description="Minimum mean probability of an object"
    )
    flow_error: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Maximum error of an object's flow (mean squared distance); 1 for no test",
    )
    relative_size: float = Field(
        0.0, ge=0, lt=1, description="Minimum size of an object, relative to the typical size"
    )
    flow_scale: float = Field(5.0, gt=0, description="Network output for a flow of length 1")

    def channels(self, ndim: int) -> int:
        return FLOW + ndim

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return ("background", "foreground", *(f"flow {axis}" for axis in "zyx"[-ndim:]))

    def in_domain(self, labels: Labels) -> bool:
        return are_connected(labels)

    def encode_all(self, labels: Labels, maps: NDArray[np.float32]) -> None:
        maps[:, BACKGROUND], maps[:, FOREGROUND] = labels <= 0, labels > 0
        write_flows(labels, maps)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return cross-entropy of the foreground + half the squared error of the scaled flow.

        As in Cellpose the target flow is 0 in the background, so that the flow fades at the border
        of objects and does not point into neighbours.
        """
        from torch.nn import functional as F

        target, known = known_part(target)
        classes = cross_entropy(output[:, :FLOW], target[:, :FLOW])
        error = F.mse_loss(output[:, FLOW:], self.flow_scale * target[:, FLOW:], reduction="none")
        return mean_known(classes, known) + mean_known(error, known) / 2

    def activate(self, output: Tensor) -> Tensor:
        import torch

        return torch.cat([output[:, :FLOW].softmax(1), output[:, FLOW:] / self.flow_scale], 1)

    def vectors(self, ndim: int) -> tuple[int, ...]:
        return tuple(range(FLOW, FLOW + ndim))

    def consistent_share(self, maps: Maps) -> float:
        """Return the share of the voxels in objects that are certain and fit their flow."""
        maps = self.checked(maps)
        flow, foreground = maps[FLOW:], 1 - maps[BACKGROUND]
        labels = follow(flow, foreground > self.threshold, self.reach)
        labels = confident(labels, foreground, _CERTAIN)
        fitting = consistent(labels, flow_error(labels, flow), _FITTING)
        return float(np.count_nonzero(fitting) / max(1, labels.size))

    def decode(self, maps: Maps) -> Labels:
        maps = self.checked(maps)
        labels = follow(maps[FLOW:], maps[BACKGROUND] < 1 - self.threshold, self.reach)
        if self.mean_probability:
            labels = confident(labels, 1 - maps[BACKGROUND], self.mean_probability)
        if self.flow_error < 1:
            labels = consistent(labels, flow_error(labels, maps[FLOW:]), self.flow_error)
        return not_tiny(labels, self.relative_size) if self.relative_size else labels
