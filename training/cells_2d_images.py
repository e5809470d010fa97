"""The real images on which `cells-2d` is trained: single channels, resized to one object size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import nuclei_2d
import numpy as np
from skimage.io import imread

from napari_tally.geometry.resample import resample_image, resample_labels, scaled_shape
from napari_tally.network.normalize import Percentile
from napari_tally.objects.relabel import relabel
from napari_tally.training.data.patch_sampler import Sample

NORMALIZE = Percentile()
TYPICAL_PX = 30.0  # median diameter of the objects of an image in training
LARGEST_SCALE = 2.0  # beyond it an image is only blurred
# Share of the patches that each set has.
SHARES = {
    "nuclei-2d": 0.09,
    "nuclei-2d-extra": 0.03,
    "nuclei-brightfield": 0.03,
    "nuclei-histology": 0.05,
    "cells-qpi": 0.07,
    "yeast-phase-tracks": 0.05,
    "microglia-tracks": 0.04,
    "photos-fruits-nuts": 0.02,
    "photos-pebbles": 0.01,
    "sieve-plate-sem": 0.01,
}
HELD_OUT = {"cells-qpi": ("pc3_img_00002", "pnt_img_00004"), "photos-fruits-nuts": ("9", "8")}
YEAST_SPLIT = 350  # px: the colony to the left of it is in training, the other one is held out
PEBBLES_SPLIT = 880  # px, likewise
LUMA = (0.299, 0.587, 0.114)
Pair = tuple[str, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Stored(Sample):
    """A sample kept in half precision, seen as it is or as its negative.

    Attributes
    ----------
    negative : (float, float), optional
        The value that becomes 0 in the negative, and the one that becomes 1.
    """

    negative: tuple[float, float] | None = None

    def around(self, place: tuple[int, ...], window: tuple[int, ...]) -> Sample:
        part = super().around(place, window)
        image = part.image.astype(np.float32)
        if self.negative is not None:
            zero, one = self.negative
            image = (image - zero) / (one - zero)
        return replace(part, image=image)


def both_ways(name: str, image: np.ndarray, labels: np.ndarray, weight: float) -> list[Sample]:
    """Return an image, shape (Y, X), and its negative, each normalized as in a run."""
    normalized = NORMALIZE(image[None])
    negative = tuple(np.percentile(normalized, (100 - NORMALIZE.low, 100 - NORMALIZE.high)))
    if negative[0] <= negative[1]:
        negative = (1.0, 0.0)
    half = normalized.astype(np.float16)
    return [
        Stored(name, half, labels, weight / 2),
        Stored(f"{name} (negative)", half, labels, weight / 2, negative=negative),
    ]


def median_diameter(labels: np.ndarray) -> float:
    """Return the median equivalent diameter of the objects in px, 0 without objects."""
    return nuclei_2d.median_diameter(labels)


def at_typical_size(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Resize an image so that its objects have the typical diameter."""
    diameter = median_diameter(labels)
    scale = min(TYPICAL_PX / diameter, LARGEST_SCALE) if diameter else 1.0
    shape = scaled_shape(image.shape, scale)
    return resample_image(image[None].astype(np.float32), shape)[0], resample_labels(labels, shape)


def grey(image: np.ndarray) -> np.ndarray:
    """Return the luminance of a colour image, shape (Y, X, C); other images as they are."""
    return image[..., :3] @ np.array(LUMA) if image.ndim == 3 else image


def training_samples(data: Path) -> list[Sample]:
    """Return the real images of the training set, each set with its share."""
    found = []
    for name, share in SHARES.items():
        pairs = list(training_pairs(data, name))
        for title, image, labels in pairs:
            seen, ids = at_typical_size(image, labels)
            found += both_ways(title, seen, ids.astype(np.uint16), share / len(pairs))
    return found


def training_pairs(data: Path, name: str) -> Iterator[Pair]:
    """Yield (name, image, labels) of the training images of a set."""
    if name == "nuclei-2d":
        listed = nuclei_2d.split_names(data)[0]
        for file in listed:
            yield _pair(data / name, file, file)
    elif name == "yeast-phase-tracks":
        yield from _frames(data, name, "colonies_top.tif", slice(None, YEAST_SPLIT))
    elif name == "microglia-tracks":
        yield from _frames(data, name, "pg6_t1-3.tif", slice(None))
    elif name == "photos-pebbles":
        title, image, labels = next(all_pairs(data, name))
        yield title, image[:, :PEBBLES_SPLIT], relabel(labels[:, :PEBBLES_SPLIT])
    else:
        for title, image, labels in all_pairs(data, name):
            if title not in HELD_OUT.get(name, ()):
                yield title, image, labels


def held_out_pairs(data: Path, name: str) -> Iterator[Pair]:
    """Yield (name, image, labels) of the held-out images of a set, at their own size."""
    if name == "nuclei-2d":
        for file in nuclei_2d.split_names(data)[1]:
            yield _pair(data / name, file, file)
    elif name == "yeast-phase-tracks":
        yield from _frames(data, name, "colonies_top.tif", slice(YEAST_SPLIT, None))
    elif name == "photos-pebbles":
        title, image, labels = next(all_pairs(data, name))
        yield title, image[:, PEBBLES_SPLIT:], relabel(labels[:, PEBBLES_SPLIT:])
    else:
        for title, image, labels in all_pairs(data, name):
            if title in HELD_OUT.get(name, ()):
                yield title, image, labels


def all_pairs(data: Path, name: str) -> Iterator[Pair]:
    """Yield (name, image, labels) of all images of a set, at their own size."""
    labels = {path.stem: path for path in (data / name / "labels").iterdir()}
    for path in sorted((data / name / "images").iterdir()):
        yield _pair(data / name, path.name, labels[path.stem].name)


def _pair(folder: Path, image: str, labels: str) -> Pair:
    return Path(image).stem, grey(imread(folder / "images" / image)), _ids(folder, labels)


def _ids(folder: Path, labels: str) -> np.ndarray:
    return imread(folder / "labels" / labels).astype(np.int32)


def _frames(data: Path, name: str, file: str, columns: slice) -> Iterator[Pair]:
    """Yield the frames of a series, whose shortest axis is time."""
    image, labels = imread(data / name / "images" / file), _ids(data / name, file)
    time = int(np.argmin(image.shape))
    for i in range(image.shape[time]):
        seen = np.take(image, i, time)[:, columns]
        yield f"{Path(file).stem}-{i}", seen, relabel(np.take(labels, i, time)[:, columns])
