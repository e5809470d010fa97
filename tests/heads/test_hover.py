"""HoVer-Net's maps become the objects of MONAI's own decoding."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from napari_tally.heads import Hover, object_heads
from napari_tally.metrics.match import match
from napari_tally.simulate.nuclei import nuclei_2d


def _maps(labels: np.ndarray, noise: float) -> np.ndarray:
    """Return the maps of a network for labels: offsets from -1 to 1 across each object."""
    rng = np.random.default_rng(0)
    maps = np.zeros((4, *labels.shape), np.float32)
    maps[1] = labels > 0
    for i in range(1, labels.max() + 1):
        at = np.argwhere(labels == i)
        if len(at):
            away = at - center_of_mass(labels == i)
            maps[(2, *at.T)] = away[:, 0] / max(np.abs(away[:, 0]).max(), 1)
            maps[(3, *at.T)] = away[:, 1] / max(np.abs(away[:, 1]).max(), 1)
    maps[1:] += rng.normal(size=maps[1:].shape, scale=noise)
    maps[1] = np.clip(maps[1], 0, 1)
    maps[0] = 1 - maps[1]
    return maps
