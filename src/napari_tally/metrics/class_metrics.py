"""Agreement of two semantic segmentations: overlap and surface distances of each class.

Surfaces and distances are computed by MONAI: the surface of a class consists of its voxels that
adjoin another class or the image border, and distances are between voxel centres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .overlaps import overlaps

_HD_QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of prediction and ground truth for one class.

    Attributes
    ----------
    class_id : int
    predicted, true, shared : int
        Voxels of the class in the prediction, in the ground truth and in both.
    hd95, assd : float
        95 % Hausdorff distance (the larger of the two directions) and average symmetric surface
        distance, in the unit of the spacing; NaN if one of the two lacks the class.
    nsd : float
        Normalised surface distance: fraction of both surfaces within the tolerance of the other.
        Nikolov et al., 2021, https://doi.org/10.2196/26151. 0 if one of the two lacks the class,
        NaN if both do.
    """

    class_id: int
    predicted: int
    true: int
    shared: int
    hd95: float = math.nan
    assd: float = math.nan
    nsd: float = math.nan

    @property
    def dice(self) -> float:
        """2 |A and B| / (|A| + |B|), NaN where both are empty."""
        total = self.predicted + self.true
        return 2 * self.shared / total if total else math.nan

    @property
    def iou(self) -> float:
        """|A and B| / |A or B|, NaN where both are empty."""
        union = self.predicted + self.true - self.shared
        return self.shared / union if union else math.nan


def agreements(
    predicted: NDArray[np.integer],
    true: NDArray[np.integer],
    spacing: Sequence[float] | None = None,
    tolerance: float | None = None,
) -> list[Agreement]:
    """Compare two images of class ids; one entry for each class in either of them, except 0.

    Parameters
    ----------
    predicted, true : ndarray of int, shape (Y, X) or (Z, Y, X)
    spacing : sequence of float, optional
        Size of a voxel along each axis. Default: 1.
    tolerance : float, optional
        How far apart surfaces may be, in the unit of the spacing. Default: the largest spacing.
    """
    sizes = tuple(spacing) if spacing is not None else (1.0,) * true.ndim
    tolerance = max(sizes) if tolerance is None else tolerance
    overlap = overlaps(predicted, true)
    counts_p = dict(
        zip(overlap.predicted_ids.tolist(), overlap.predicted_sizes.tolist(), strict=True)
    )
    counts_t = dict(zip(overlap.true_ids.tolist(), overlap.true_sizes.tolist(), strict=True))
    same = overlap.predicted_ids[overlap.predicted] == overlap.true_ids[overlap.true]
    ids = overlap.true_ids[overlap.true[same]]
    shared = dict(zip(ids.tolist(), overlap.shared[same].tolist(), strict=True))
    rows = []
    for each in sorted((counts_p.keys() | counts_t.keys()) - {0}):
        counts = counts_p.get(each, 0), counts_t.get(each, 0), shared.get(each, 0)
        distances = (
            _surfaces(predicted == each, true == each, sizes, tolerance)
            if counts[0] and counts[1]
            else (math.nan, math.nan, 0.0)
        )
        rows.append(Agreement(each, *counts, *distances))
    return rows


def _surfaces(
    predicted: NDArray[np.bool_],
    true: NDArray[np.bool_],
    spacing: Sequence[float],
    tolerance: float,
) -> tuple[float, float, float]:
    """Return HD95, average symmetric and normalised surface distance of two masks."""
    from monai.metrics import get_mask_edges, get_surface_distance

    edge_p, edge_t = get_mask_edges(predicted, true)  # cropped to where either is
    there = get_surface_distance(edge_p, edge_t, spacing=spacing)
    back = get_surface_distance(edge_t, edge_p, spacing=spacing)
    both = np.concatenate([there, back])
    hd95 = max(float(np.quantile(d, _HD_QUANTILE)) for d in (there, back))
    return hd95, float(both.mean(dtype=np.float64)), float((both <= tolerance).mean())
