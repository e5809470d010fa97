"""Make the pictures of docs/heads.md: what each head predicts, and what comes out of it.

    python docs/head_pictures.py

The maps are those of a perfect network. Prints of each shape whether a head gives it back from such
maps, and from noisy ones.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.color import hsv2rgb, label2rgb
from skimage.draw import disk
from skimage.io import imsave

from napari_tally.heads import Boundary, Center, Distance, Flow, Panoptic
from napari_tally.heads.panoptic import PanopticClass
from napari_tally.metrics.match import match
from napari_tally.objects.relabel import relabel, remove_small

if TYPE_CHECKING:
    from napari_tally.heads.base import Head

HERE = Path(__file__).parent / "images"
HEADS = [Boundary(), Distance(), Center(), Flow()]
SIZE, GAP, SPECK = 128, 4, 8
NOISES = (0.1, 0.2)


def touching() -> np.ndarray:
    """Return discs that touch."""
    labels = np.zeros((SIZE, SIZE), np.uint16)
    places = [(34, 34, 20), (38, 74, 19), (72, 52, 21), (84, 92, 22), (104, 30, 16)]
    for number, (y, x, radius) in enumerate(places, start=1):
        labels[disk((y, x), radius, shape=labels.shape)] = number
    return labels


def bent() -> np.ndarray:
    """Return C-shapes, one in the arms of the other."""
    y, x = np.indices((SIZE, SIZE))
    labels = np.zeros((SIZE, SIZE), np.uint16)
    for number, (cy, cx, side) in enumerate(((64, 50, 1), (64, 80, -1)), start=1):
        away = np.hypot(y - cy, x - cx)
        open_side = (np.abs(y - cy) < 16 - 12 * (number > 1)) & (side * (x - cx) > 0)
        arm = (away > 22) & (away < 34) & ~open_side & (labels == 0)
        labels[arm & (side * (x - cx) < 12)] = number
    return labels


def bar() -> np.ndarray:
    """Return a bar of two pixels: it has no inside."""
    labels = np.zeros((SIZE, SIZE), np.uint16)
    labels[62:64, 20:108], labels[80:82, 20:108] = 1, 2
    return labels


def ring() -> np.ndarray:
    """Return a ring around a disc that touches it; both have one centre."""
    away = np.hypot(*(i - SIZE / 2 for i in np.indices((SIZE, SIZE))))
    return np.where(away < 18, 1, np.where(away < 42, 2, 0)).astype(np.uint16)


SHAPES = {"touching discs": touching, "C-shapes": bent, "two-pixel bars": bar, "disc in ring": ring}


def noisy(head: Head, labels: np.ndarray, spread: float) -> np.ndarray:
    """Return the maps of labels with smooth noise."""
    maps, rng = head.encode(labels), np.random.default_rng(0)
    for number, channel in enumerate(maps):
        noise = gaussian_filter(rng.normal(size=labels.shape), 1)
        channel += spread * (3 if number in head.vectors(2) else 1) * noise / noise.std()
    return maps


def ap(head: Head, maps: np.ndarray, labels: np.ndarray) -> float:
    """Return the AP at IoU 0.5 of the objects that a head decodes from maps."""
    return match(remove_small(head.decode(maps), SPECK), relabel(labels), [0.5])[0].ap


def grey(channel: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(channel, 0, 1)[..., None], 3, -1)


def directions(vectors: np.ndarray) -> np.ndarray:
    """Return vectors as colours: the hue is where they point, the brightness how far."""
    y, x = vectors
    length = np.hypot(y, x)
    hue = np.arctan2(y, x) / (2 * np.pi) + 0.5
    return hsv2rgb(np.stack([hue, np.ones_like(hue), length / max(length.max(), 1e-6)], -1))


def coloured(labels: np.ndarray) -> np.ndarray:
    return label2rgb(labels, bg_label=0)


def picture(head: Head, labels: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return true objects, the maps, and the decoded objects, side by side."""
    maps, vectors = head.encode(labels), head.vectors(2)
    panels = [coloured(shown)]
    panels += [grey(m) for n, m in enumerate(maps) if n not in vectors]
    panels += [directions(maps[list(vectors)])] if vectors else []
    found = head.decode(maps)
    if isinstance(head, Panoptic):
        objects, classes = head.split(found)
        panels += [coloured(objects), coloured(classes)]
    else:
        panels.append(coloured(found))
    framed = [np.pad(p, ((0, 0), (0, GAP), (0, 0)), constant_values=1) for p in panels]
    return (np.concatenate(framed, 1)[:, :-GAP] * 255).astype(np.uint8)


def main() -> None:
    scene = touching()
    half = bent()[:, ::-1]
    scene = np.concatenate([scene, np.where(half > 0, half + scene.max(), 0)], 1)[:, : 2 * SIZE]
    for head in HEADS:
        imsave(HERE / f"head_{head.name}.png", picture(head, scene, scene))
    kinds = [("tissue", "stuff"), ("disc", "thing"), ("arc", "thing")]
    head = Panoptic(classes=[PanopticClass(name=n, kind=k) for n, k in kinds], objects=Flow())
    tissue = np.indices(scene.shape)[0] > 20
    classes = np.where(scene > 5, 3, np.where(scene > 0, 2, tissue))
    imsave(HERE / "head_panoptic.png", picture(head, head.merged(scene, classes), scene))
    lines = [f"AP of perfect maps, and with noise of {NOISES}:"]
    for name, draw in SHAPES.items():
        labels = draw()
        for head in HEADS:
            maps = [head.encode(labels), *(noisy(head, labels, n) for n in NOISES)]
            scores = ", ".join(f"{ap(head, m, labels):.2f}" for m in maps)
            lines.append(f"{name:16} {head.name:10} {scores}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
