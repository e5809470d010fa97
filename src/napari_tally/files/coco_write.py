"""Write COCO JSON: masks as run lengths, boxes, scores; objects may overlap.

The format is that of https://cocodataset.org/#format-data and #format-results (`score`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.atomic import write_text
from ..core.run_lengths import compressed, encoded

if TYPE_CHECKING:
    from .object_image import ObjectImage

ABOUT = {"description": "Objects found by napari-tally"}


def write_coco(images: Sequence[ObjectImage], categories: Sequence[str], path: Path) -> None:
    """Write the objects of images as one COCO JSON.

    Objects are written in full where they overlap, with compressed run lengths as pycocotools has
    them, in the order of their ids. Boxes alone have no segmentation.

    Parameters
    ----------
    categories : sequence of str
        Names of the classes in the order of their ids, from 1.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, start=1):
        height, width = image.labels.shape
        entry = {"id": number, "file_name": image.file_name, "height": height, "width": width}
        entries.append(entry)
        for found in _annotations(image):
            annotations.append({"id": len(annotations) + 1, "image_id": number, **found})
    most = max((a["category_id"] for a in annotations), default=0)
    names = [*categories, *(f"class {i}" for i in range(len(categories) + 1, most + 1))]
    content = {
        "info": ABOUT,
        "images": entries,
        "annotations": annotations,
        "categories": [{"id": i, "name": n} for i, n in enumerate(names, start=1)],
    }
    write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", path)


def _annotations(image: ObjectImage) -> Iterator[dict[str, Any]]:
    """Yield the objects of an image in the order of their ids."""
    if image.boxes is not None:
        for row, (y0, x0, y1, x1) in enumerate(np.asarray(image.boxes, np.float64).tolist()):
            own = [round(v, 3) for v in (x0, y0, x1 - x0, y1 - y0)]
            area = round((x1 - x0) * (y1 - y0), 3)
            yield _with_score(image, row + 1, {"bbox": own, "area": area, "iscrowd": 0})
        return
    from scipy.ndimage import find_objects

    shape = image.labels.shape
    for label, place in enumerate(find_objects(np.asarray(image.labels)), start=1):
        full = image.full.find(label)
        if place is None and full is None:
            continue
        box: tuple[slice, ...] = tuple(place) if full is None else full.box
        mask = np.asarray(image.labels[box]) == label if full is None else full.mask()
        y, x = box
        runs = encoded(mask, (y.start, x.start), (shape[0], shape[1]))
        found = {
            "segmentation": {"size": list(shape), "counts": compressed(runs)},
            "bbox": [x.start, y.start, x.stop - x.start, y.stop - y.start],
            "area": int(np.count_nonzero(mask)),
            "iscrowd": 0,
        }
        yield _with_score(image, label, found)


def _with_score(image: ObjectImage, label: int, found: dict[str, Any]) -> dict[str, Any]:
    score = {} if image.scores is None else {"score": round(float(image.scores[label]), 6)}
    return {"category_id": max(int(image.class_of[label]), 1), **found, **score}
