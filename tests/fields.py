"""Fluorescence-like fields of round nuclei with ground truth."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter


def nuclei(
    shape: tuple[int, int] = (200, 240), diameter: float = 24, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return (image, labels): discs on a jittered grid, blurred, with photon noise."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint16)
    y, x = np.indices(shape)
    step, number = 1.8 * diameter, 0
    for cy in np.arange(step / 2, shape[0] - step / 4, step):
        for cx in np.arange(step / 2, shape[1] - step / 4, step):
            number += 1
            jy, jx = rng.uniform(-0.15, 0.15, 2) * diameter
            labels[np.hypot(y - cy - jy, x - cx - jx) < diameter / 2] = number
    light = 20 + 180 * gaussian_filter((labels > 0).astype(float), diameter / 20)
    return rng.poisson(light).astype(np.uint16), labels
