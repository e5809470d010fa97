"""Agreement of two semantic segmentations: overlap and surface distances per class.

Surfaces and distances are those of MONAI: a surface is the voxels of a class beside one that is not
of it (or the image's border), and distances go from voxel centre to voxel centre.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .overlaps import overlaps

_HD_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of prediction and ground truth for one class.

    Attributes
    ----------
    class_id : int
    predicted, true, shared : int
        Voxels of the class in the prediction, in the ground truth and in both.
    hd95, assd : float
        95 % Hausdorff distance (the larger of both directions) and average symmetric surface
        distance, in the unit of the spacing; NaN if the class is missing in one of the two.
    nsd : float
        Normalised surface distance: fraction of both surfaces within the tolerance of the other.
        Nikolov et al., 2021, https://doi.org/10.2196/26151. 0 if the class is missing in one of
        the two, NaN in both.
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
    """Compare two images of class ids; one entry for each class that one of them has, 0 left out.

    Parameters
    ----------
    predicted, true : ndarray of int, shape (Y, X) or (Z, Y, X)
    spacing : sequence of float, optional
        Size of a voxel along each axis; 1 if not given.
    tolerance : float, optional
        How far apart surfaces may be, in the unit of the spacing; its largest if not given.
    """
    sizes = tuple(spacing) if spacing is not None else (1.0,) * true.ndim
    near = max(sizes) if tolerance is None else tolerance
    found = overlaps(predicted, true)
    counts_p = dict(zip(found.predicted_ids.tolist(), found.predicted_sizes.tolist(), strict=True))
    counts_t = dict(zip(found.true_ids.tolist(), found.true_sizes.tolist(), strict=True))
    same = found.predicted_ids[found.predicted] == found.true_ids[found.true]
    ids = found.true_ids[found.true[same]]
    shared = dict(zip(ids.tolist(), found.shared[same].tolist(), strict=True))
    rows = []
    for each in sorted((counts_p.keys() | counts_t.keys()) - {0}):
        counts = counts_p.get(each, 0), counts_t.get(each, 0), shared.get(each, 0)
        apart = (
            _surfaces(predicted == each, true == each, sizes, near)
            if counts[0] and counts[1]
            else (math.nan, math.nan, 0.0)
        )
        rows.append(Agreement(each, *counts, *apart))
    return rows


def _surfaces(
    predicted: NDArray[np.bool_],
    true: NDArray[np.bool_],
    spacing: Sequence[float],
    tolerance: float,
) -> tuple[float, float, float]:
    """Return HD95, average symmetric and normalised surface distance of two masks."""
    from monai.metrics import get_mask_edges, get_surface_distance

    edge_p, edge_t = get_mask_edges(predicted, true)  # of the part of the image where they are
    there = get_surface_distance(edge_p, edge_t, spacing=spacing)
    back = get_surface_distance(edge_t, edge_p, spacing=spacing)
    both = np.concatenate([there, back])
    hd95 = max(float(np.quantile(d, _HD_SHARE)) for d in (there, back))
    return hd95, float(both.mean(dtype=np.float64)), float((both <= tolerance).mean())
