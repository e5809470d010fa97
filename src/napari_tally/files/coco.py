"""COCO JSON: annotated objects as label images.

The format is that of https://cocodataset.org/#format-data, and of what annotation tools make of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil, floor, isfinite
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from ..core.errors import FileError, InputError
from ..core.full_masks import FullMask, FullMasks
from ..core.run_lengths import encoded
from .coco_mask import Mask, mask_of

_MANY = 255  # categories, of which then only those that occur are kept


@dataclass(frozen=True, eq=False)
class Annotated:
    """The objects of an image.

    Attributes
    ----------
    file_name : str
        Name of the image file, with `/` between folders.
    objects : ndarray of int32, shape (Y, X)
        Ids from 1; where objects overlap, the smaller one is in front.
    classes : ndarray of uint8 or uint16, shape (Y, X)
        Number of the category, from 1 in the order of `Coco.categories`.
    known : ndarray of bool, shape (Y, X)
        False where a crowd is annotated, whose objects are not separated, or an object without
        outline.
    boxes : int
        Number of objects without outline: only their box is known, or nothing.
    empty : int
        Number of objects whose outline covers no pixel.
    scores : ndarray of float64, shape (objects + 1,), optional
        Score of each object by its id, if all annotations have one: the best is then in front, and
        ids are in the order of the annotations.
    full : FullMasks
        The full masks of objects of which others cover a part.
    """

    file_name: str
    objects: NDArray[np.int32]
    classes: NDArray[np.unsignedinteger[Any]]
    known: Mask
    boxes: int = 0
    empty: int = 0
    scores: NDArray[np.float64] | None = None
    full: FullMasks = field(default_factory=FullMasks)


@dataclass(frozen=True)
class Coco:
    """The content of a COCO JSON; iterating over it rasterizes one image at a time.

    Ids are texts, since tools write them as numbers here and as texts there. `lost` annotations
    belong to none of the images.
    """

    categories: tuple[str, ...]
    images: tuple[dict[str, Any], ...]
    annotations: Mapping[str, list[dict[str, Any]]]
    numbers: Mapping[str, int]
    lost: int = 0

    def __iter__(self) -> Iterator[Annotated]:
        for image in self.images:
            yield self.drawn(image)

    def drawn(self, image: dict[str, Any], shape: tuple[int, ...] | None = None) -> Annotated:
        """Rasterize the annotations of an image.

        Parameters
        ----------
        image : dict
            One of `images`.
        shape : tuple of int, optional
            Height and width of the image file. Default: those in the JSON.

        Raises
        ------
        InputError
            If the sizes differ, or an annotation cannot be drawn.
        """
        size = _size(image, shape)
        objects = np.zeros(size, np.int32)
        kind = np.uint8 if len(self.categories) <= np.iinfo(np.uint8).max else np.uint16
        classes, known = np.zeros(size, kind), np.ones(size, bool)
        boxes = 0
        drawn: list[tuple[NDArray[np.intp], int]] = []
        scores: list[float | None] = []
        for annotation in self.annotations.get(_key(image["id"]), []):
            mask, number = self._mask(annotation, size)
            if mask is None:
                known[_box(annotation, size)] = False
                boxes += 1
            elif _is_crowd(annotation):
                known[mask] = False
            else:
                drawn.append((np.flatnonzero(mask), number))  # smaller than the mask
                scores.append(_score(annotation))
        by_id = np.array([np.nan, *(s for s in scores if s is not None)])
        scored = len(drawn) > 0 and len(by_id) == len(drawn) + 1
        if not scored:
            drawn.sort(key=lambda each: -len(each[0]))
        front_last = np.argsort(by_id[1:], kind="stable") if scored else range(len(drawn))
        for place in front_last:
            pixels, number = drawn[place]
            objects.reshape(-1)[pixels], classes.reshape(-1)[pixels] = place + 1, number
        known |= objects > 0
        empty = sum(not len(pixels) for pixels, _ in drawn)
        full = FullMasks(tuple(_covered(objects, [pixels for pixels, _ in drawn])))
        own = by_id if scored else None
        return Annotated(file_name(image), objects, classes, known, boxes, empty, own, full)

    def _mask(self, annotation: dict[str, Any], size: tuple[int, int]) -> tuple[Mask | None, int]:
        """Return the mask of an annotation (None without outline), and its class."""
        try:
            return mask_of(annotation.get("segmentation"), size), self._number(annotation)
        except InputError as error:
            raise InputError(
                f"Annotation {annotation.get('id')} cannot be used: {error.problem}"
            ) from error

    def _number(self, annotation: dict[str, Any]) -> int:
        category = annotation.get("category_id")
        if category is None and len(self.categories) == 1:
            return 1
        if _key(category) not in self.numbers:
            raise InputError(f"its category {category} is not listed")
        return self.numbers[_key(category)]


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
        content = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"The COCO JSON {path} cannot be read ({error})") from error
    try:
        return _coco(content)
    except InputError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{path} is not a COCO JSON with images, annotations and categories ({error})"
        ) from error


def _coco(content: dict[str, Any]) -> Coco:
    images, listed = list(content["images"]), list(content["annotations"])
    for image in images:
        image["id"], image["file_name"]  # an error that names what is missing
    ids = [_key(image["id"]) for image in images]
    twice = next((i for n, i in enumerate(ids) if i in ids[:n]), None) if _repeated(ids) else None
    if twice is not None:
        raise InputError(f"Two images of the COCO JSON have the id {twice}")
    by_image: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for place, annotation in enumerate(listed, start=1):
        if not isinstance(annotation, dict) or "image_id" not in annotation:
            known = annotation.get("id") if isinstance(annotation, dict) else None
            raise InputError(f"Annotation {known or place} of the COCO JSON belongs to no image")
        by_image[_key(annotation["image_id"])].append(annotation)
    lost = sum(len(by_image[key]) for key in by_image.keys() - set(ids))
    if listed and lost == len(listed):
        raise InputError("No annotation of the COCO JSON belongs to one of its images")
    used = list(dict.fromkeys(_key(a.get("category_id")) for a in listed))
    names = _names(content.get("categories") or [])
    names = names or {key: "object" if key == _key(None) else key for key in used}
    if len(names) > _MANY:
        names = {key: name for key, name in names.items() if key in used}
    numbers = {key: number for number, key in enumerate(names, start=1)}
    return Coco(tuple(names.values()), tuple(images), dict(by_image), numbers, lost)


def _names(categories: list[dict[str, Any]]) -> dict[str, str]:
    """Return the names of categories by id.

    Raises
    ------
    InputError
        If two of them have the same id: objects of one would count as the other.
    """
    names: dict[str, str] = {}
    for category in categories:
        key = _key(category["id"])
        name = str(category.get("name", category["id"]))
        if names.setdefault(key, name) != name:
            raise InputError(f"Two categories have the id {key}: {names[key]} and {name}")
    return names


def _repeated(values: list[str]) -> bool:
    return len(set(values)) < len(values)


def _key(value: Any) -> str:
    """Return an id as text: 3, 3.0 and "3" are the same."""
    if isinstance(value, float) and isfinite(value) and value == int(value):
        value = int(value)
    return str(value).strip()


def file_name(image: dict[str, Any]) -> str:
    """Return the file name of an image, with `/` between folders as not on Windows."""
    return str(image["file_name"]).replace("\\", "/")


def image_file(folder: Path, name: str) -> Path | None:
    """Return the file of an image in a folder, whatever folders are in its name; None if missing.

    Annotation tools write the paths and addresses of their own storage. The file with the most
    folders in common is taken; none is ever looked for outside of the folder.
    """
    for text in dict.fromkeys((name, unquote(name), unquote(name).partition("?")[0])):
        parts = [part for part in text.split("/") if part not in ("", ".")]
        within = parts[max((i + 1 for i, part in enumerate(parts) if part == ".."), default=0) :]
        for start in range(len(within)):
            path = folder.joinpath(*within[start:])
            if not Path(within[start]).drive and _exists(path):
                return path
    return None


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _size(image: dict[str, Any], shape: tuple[int, ...] | None) -> tuple[int, int]:
    """Return height and width; those of the file are compared with those in the JSON."""
    given = [image.get(side) or None for side in ("height", "width")]
    try:
        stated = None if None in given else tuple(int(n) for n in given if n is not None)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"The image {file_name(image)} has the size {given}") from error
    if shape is None and stated is None:
        raise InputError(f"The image {file_name(image)} has no height and width")
    if shape is not None and stated is not None and stated != tuple(shape):
        raise InputError(
            f"The image {file_name(image)} has height and width {tuple(shape)}, but {stated}"
            " in its annotations",
            hint="Use the images that were annotated, neither resized nor turned",
        )
    height, width = shape if shape is not None else stated or ()
    return height, width


def _covered(objects: NDArray[np.int32], drawn: list[NDArray[np.intp]]) -> Iterator[FullMask]:
    """Yield the full masks of objects of which others cover a part."""
    for label, pixels in enumerate(drawn, start=1):
        if (objects.reshape(-1)[pixels] == label).all():
            continue
        y, x = np.divmod(pixels, objects.shape[1])
        at = int(y.min()), int(x.min())
        shape = int(y.max()) - at[0] + 1, int(x.max()) - at[1] + 1
        mask = np.zeros(shape, bool)
        mask[y - at[0], x - at[1]] = True
        yield FullMask(label, at, shape, encoded(mask))


def _score(annotation: dict[str, Any]) -> float | None:
    """Return the score that a program gave an object, None without a finite one."""
    try:
        score = float(annotation["score"])
    except (KeyError, TypeError, ValueError):
        return None
    return score if isfinite(score) else None


def _is_crowd(annotation: dict[str, Any]) -> bool:
    return str(annotation.get("iscrowd", 0)).lower() in ("1", "1.0", "true")


def _box(annotation: dict[str, Any], size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the box of an annotation in an image; all of the image if it has none."""
    box = annotation.get("bbox")
    try:
        x, y, width, height = (float(n) for n in box or ())
        ends = (y, y + height), (x, x + width)
        limits = [
            slice(min(max(floor(low), 0), n), min(max(ceil(high), 0), n))
            for (low, high), n in zip(ends, size, strict=True)
        ]
    except (TypeError, ValueError, OverflowError):
        return slice(None), slice(None)
    if any(limit.start >= limit.stop for limit in limits):
        return slice(None), slice(None)
    return limits[0], limits[1]
