"""Make the pictures of the reference of measurements: objects coloured by a value of each group.

    python docs/measurement_pictures.py

Prints the range of each measurement that is shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from generate_measurements import SHOWN
from matplotlib import colormaps
from skimage.draw import disk, ellipse
from skimage.io import imsave
from skimage.segmentation import find_boundaries

import napari_tally

HERE = Path(__file__).parent / "images"
SHAPE = (120, 260)


def scene() -> np.ndarray:
    """Return discs, ellipses, an arc, one at the border, and one of two pieces."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[disk((32, 34), 22)] = 1
    labels[disk((88, 30), 14)] = 2
    labels[ellipse(36, 88, 10, 26, rotation=0.5)] = 3
    labels[ellipse(88, 82, 8, 28, rotation=-0.2)] = 4
    y, x = np.indices(SHAPE)
    away = np.hypot(y - 56, x - 146)
    labels[(away > 18) & (away < 30) & ~((np.abs(y - 56) < 14) & (x > 146))] = 5
    labels[disk((100, 182), 12)], labels[disk((100, 212), 9)] = 6, 6
    labels[disk((30, 206), 18)] = 7
    labels[disk((62, 256), 20, shape=SHAPE)] = 8
    return labels


def light(labels: np.ndarray) -> np.ndarray:
    """Return an image of the objects on an uneven background, some of them brighter on one side."""
    y, x = np.indices(SHAPE)
    glow = 60 * x / SHAPE[1]
    brightness = np.array([0, 80, 160, 60, 120, 100, 140, 90, 150])[labels]
    slope = np.array([0, 2.0, 0, 0.8, 0, 0, 0.4, 3.0, 0])[labels] * (y - 30)
    noise = np.random.default_rng(0).normal(0, 4, SHAPE)
    return np.clip(20 + glow + brightness + slope * (labels > 0) + noise, 0, None)


def painted(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return objects in the colours of their values, dark for the least, on white."""
    spread = np.ptp(values) or 1
    colours = colormaps["viridis"]((values - values.min()) / spread)[:, :3]
    picture = np.concatenate([np.ones((1, 3)), colours])[labels]
    picture[find_boundaries(labels, mode="inner")] = 0
    return (np.repeat(np.repeat(picture, 2, 0), 2, 1) * 255).astype(np.uint8)


def main() -> None:
    labels = scene()
    table = napari_tally.measure(labels, light(labels), groups=["all"])
    for group, start in SHOWN.items():
        name = next(c for c in table if c.startswith(start))
        values = table[name].to_numpy(float)
        sys.stdout.write(f"{name:32} {values.min():8.2f} {values.max():8.2f}\n")
        imsave(HERE / f"measure_{group}.png", painted(labels, values), check_contrast=False)
    grey = light(labels) / light(labels).max()
    shown = np.repeat(np.repeat(grey, 2, 0), 2, 1)
    imsave(HERE / "measure_image.png", (shown * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
