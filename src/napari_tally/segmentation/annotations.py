"""Write a result in the annotation formats of other programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..core.errors import InputError
from ..core.full_masks import FullMasks
from ..files.cityscapes import write_cityscapes
from ..files.coco_panoptic import write_coco_panoptic
from ..files.coco_write import write_coco
from ..files.object_image import ObjectImage
from ..files.voc import write_voc_pair

if TYPE_CHECKING:
    from .result import Result

AnnotationFormat = Literal["coco", "panoptic", "voc", "cityscapes"]


def write_annotations(
    result: Result, path: Path, kind: AnnotationFormat = "coco", image_name: str = ""
) -> None:
    """Write the objects of a result.

    Parameters
    ----------
    path : Path
        The JSON of "coco" (full masks, boxes, scores) and "panoptic" (with a folder of PNG beside
        it). For "voc" and "cityscapes" the image, whose name the pictures begin with:
        `a_class.png` and `a_object.png`, `a_instanceIds.png` and `a_labelIds.png`.
    image_name : str
        Name of the image in the file. Default: that of the volume.

    Raises
    ------
    InputError
        If the format holds neither stacks nor boxes, or too few ids.
    FileError
        If the folder cannot be written.
    """
    images = object_images(result, image_name or result.volume.name)
    names, stuff = _classes(result)
    if kind == "coco":
        write_coco(images, names, path)
        return
    if result.boxes is not None:
        raise InputError("Boxes without masks can be written as COCO JSON only")
    if kind == "panoptic":
        write_coco_panoptic(images, names, path, stuff)
        return
    if len(images) != 1:
        raise InputError(
            f"Pictures hold one plane, not the {len(images)} of {result.volume.name}",
            hint="Write COCO JSON instead",
        )
    if kind == "voc":
        places = [path.with_name(f"{path.stem}_{end}.png") for end in ("class", "object")]
        write_voc_pair(images[0], *places)
    else:
        write_cityscapes(images[0], path)


def object_images(result: Result, image_name: str) -> list[ObjectImage]:
    """Return the objects of each plane; those of a stack are named `a.tif#z=3`."""
    array, axes, table = np.asarray(result.labels), result.volume.axes, result.table
    most = int(table["label"].max()) if len(table) else 0
    class_of, scores = np.ones(most + 1, np.int64), np.ones(most + 1)
    ids = table["label"].to_numpy(np.int64)
    if "class" in table:
        class_of[ids] = table["class"].to_numpy(np.int64)
    score = next((c for c in ("score", "confidence") if c in table), None)
    if score is not None:
        scores[ids] = table[score].to_numpy(float)
    classes = None if result.classes is None else np.asarray(result.classes.array)
    found = []
    for index in np.ndindex(*array.shape[:-2]):
        place = ",".join(f"{a.lower()}={i}" for a, i in zip(axes, index, strict=False))
        full = (replace(m, plane=()) for m in result.full_masks if m.plane == index)
        boxes, own_classes, own_scores = None, class_of, scores
        if result.boxes is not None:
            lead = [a.lower() for a in axes[: len(index)]]
            rows = np.flatnonzero((table[lead].to_numpy() == index).all(axis=1))
            boxes = result.boxes[rows]
            own_classes = np.concatenate([[0], class_of[ids[rows]]])
            own_scores = np.concatenate([[np.nan], scores[ids[rows]]])
        found.append(
            ObjectImage(
                f"{image_name}#{place}" if place else image_name,
                array[index],
                own_classes,
                None if classes is None else classes[index],
                own_scores if score else None,
                FullMasks(tuple(full)),
                boxes,
            )
        )
    return found


def _classes(result: Result) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Return the names of classes by id, and whether each is stuff."""
    table = result.classes_table
    if table is not None and "kind" in table:
        once = table.drop_duplicates("class").sort_values("class")
        return tuple(once["class_name"]), tuple(once["kind"] == "stuff")
    if result.class_names:
        return result.class_names, ()
    if table is not None:
        once = table.drop_duplicates("class").sort_values("class")
        return tuple(once["class_name"]), ()
    return (result.nouns[0],), ()
