"""COCO JSON: objects as polygons or run lengths, rasterized to label images.

The format is that of https://cocodataset.org/#format-data; run lengths are compressed as by
pycocotools: differences to the run before last, five bits per character.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import FileError, InputError

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Annotated:
    """The objects of an image.

    Attributes
    ----------
    file_name : str
        Name of the image file, with `/` between folders.
    objects : ndarray of int32, shape (Y, X)
        Ids from 1; where objects overlap, the smaller one is in front.
    classes : ndarray of uint8, shape (Y, X)
        Number of the category, from 1 in the order of `Coco.categories`.
    known : ndarray of bool, shape (Y, X)
        False where a crowd is annotated: its objects are not separated.
    """

    file_name: str
    objects: NDArray[np.int32]
    classes: NDArray[np.uint8]
    known: Mask


@dataclass(frozen=True)
class Coco:
    """The content of a COCO JSON; iterating over it rasterizes one image at a time."""

    categories: tuple[str, ...]
    images: tuple[dict[str, Any], ...]
    annotations: dict[int, list[dict[str, Any]]]
    numbers: dict[int, int]

    def __iter__(self) -> Iterator[Annotated]:
        for image in self.images:
            yield self._drawn(image)

    def _drawn(self, image: dict[str, Any]) -> Annotated:
        shape = int(image["height"]), int(image["width"])
        objects, classes = np.zeros(shape, np.int32), np.zeros(shape, np.uint8)
        known = np.ones(shape, bool)
        masks = [(a, _mask(a, shape)) for a in self.annotations.get(image["id"], [])]
        masks.sort(key=lambda pair: -int(pair[1].sum()))
        for number, (annotation, mask) in enumerate(masks, start=1):
            if annotation.get("iscrowd"):
                known[mask] = False
                continue
            objects[mask] = number
            classes[mask] = self.numbers[annotation["category_id"]]
        known |= objects > 0
        name = str(image["file_name"]).replace("\\", "/")  # as written on Windows
        return Annotated(name, objects, classes, known)


def read_coco(path: Path) -> Coco:
    """Read a COCO JSON.

    Raises
    ------
    FileError
        If the file cannot be read.
    InputError
        If it is not a COCO JSON.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"The COCO JSON {path} cannot be read ({error})") from error
    try:
        numbered = list(enumerate(content["categories"], start=1))
        by_image: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for annotation in content["annotations"]:
            by_image[annotation["image_id"]].append(annotation)
        return Coco(
            tuple(str(c["name"]) for _, c in numbered),
            tuple(content["images"]),
            dict(by_image),
            {c["id"]: number for number, c in numbered},
        )
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a COCO JSON with images, annotations and categories ({error})"
        ) from error


def _mask(annotation: dict[str, Any], shape: tuple[int, int]) -> Mask:
    """Rasterize the segmentation of an annotation."""
    segmentation = annotation.get("segmentation")
    if isinstance(segmentation, dict):
        counts = segmentation["counts"]
        runs = counts if isinstance(counts, list) else decompressed(counts)
        return from_runs(runs, tuple(segmentation.get("size", shape)))
    if not isinstance(segmentation, list):
        raise InputError(
            f"Annotation {annotation.get('id')} has a segmentation of type "
            f"{type(segmentation).__name__}, not polygons or run lengths"
        )
    return _polygons(segmentation, shape)


def _polygons(rings: Sequence[Sequence[float]], shape: tuple[int, int]) -> Mask:
    from skimage.draw import polygon

    mask = np.zeros(shape, bool)
    for ring in rings:
        # Corners are in pixels, and the centre of the first pixel is at 0.5.
        x, y = np.asarray(ring, np.float64).reshape(-1, 2).T - 0.5
        mask[polygon(y, x, shape)] = True
    return mask


def from_runs(runs: Sequence[int], size: tuple[int, ...]) -> Mask:
    """Return the mask of alternating runs of 0 and 1 down the columns, the first one of 0.

    Raises
    ------
    InputError
        If they do not cover the image.
    """
    if sum(runs) != int(np.prod(size)) or min(runs, default=0) < 0:
        raise InputError(f"Run lengths cover {sum(runs)} pixels of an image of shape {size}")
    values = np.arange(len(runs)) % 2 == 1
    mask: Mask = np.repeat(values, runs).reshape(size, order="F")
    return mask


def decompressed(text: str | bytes) -> list[int]:
    """Return the run lengths of a compressed text."""
    codes = [c - 48 for c in (text.encode("ascii") if isinstance(text, str) else text)]
    runs: list[int] = []
    value = shift = 0
    for code in codes:
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
