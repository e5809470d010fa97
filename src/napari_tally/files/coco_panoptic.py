"""COCO panoptic: a PNG of segment ids for each image, and a JSON of their classes.

Kirillov et al., 2019, https://doi.org/10.1109/CVPR.2019.00963;
https://cocodataset.org/#format-data (panoptic segmentation).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.atomic import replacing, write_text
from ..core.errors import FileError, InputError
from .object_image import ObjectImage


def write_coco_panoptic(
    images: Sequence[ObjectImage],
    categories: Sequence[str],
    path: Path,
    stuff: Sequence[bool] = (),
) -> None:
    """Write `path` (JSON) and one PNG per image in the folder of its name: `a.json`, `a/1.png`.

    The id of a segment is R + 256 G + 65536 B. Objects keep their ids; each region of stuff has one
    above them.

    Parameters
    ----------
    categories : sequence of str
        Names of the classes in the order of their ids, from 1.
    stuff : sequence of bool
        Whether each class is stuff. Default: none is.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    from imageio.v3 import imwrite

    folder = path.with_suffix("")
    entries, annotations = [], []
    for number, image in enumerate(images, start=1):
        height, width = image.labels.shape
        name = f"{PurePosixPath(image.file_name).stem}.png"
        entries.append(
            {"id": number, "file_name": image.file_name, "height": height, "width": width}
        )
        segments, infos = _segments(image)
        colours = np.stack([segments >> shift & 255 for shift in (0, 8, 16)], -1)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / name) as part:
            imwrite(part, colours.astype(np.uint8), plugin="pillow", extension=".png")
        annotations.append({"image_id": number, "file_name": name, "segments_info": infos})
    kinds = [*stuff, *[False] * (len(categories) - len(stuff))]
    content = {
        "images": entries,
        "annotations": annotations,
        "categories": [
            {"id": i, "name": name, "isthing": int(not is_stuff)}
            for i, (name, is_stuff) in enumerate(zip(categories, kinds, strict=True), start=1)
        ],
    }
    write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", path)


def _segments(image: ObjectImage) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
    """Return segment ids, shape (Y, X), and what the JSON says of them."""
    from scipy.ndimage import find_objects

    labels = np.asarray(image.labels, np.int64)
    most = int(labels.max(initial=0))
    classes = np.asarray(image.class_image(), np.int64)
    segments = np.where(labels > 0, labels, np.where(classes > 0, most + classes, 0))
    if segments.max(initial=0) >= 2**24:
        raise InputError("COCO panoptic PNG holds at most 16,777,215 segments")
    infos = []
    for number, box in enumerate(find_objects(segments), start=1):
        if box is None:
            continue
        y, x = box
        class_id = int(image.class_of[number]) if number <= most else number - most
        infos.append(
            {
                "id": number,
                "category_id": class_id,
                "area": int(np.count_nonzero(segments[box] == number)),
                "bbox": [x.start, y.start, x.stop - x.start, y.stop - y.start],
                "iscrowd": 0,
            }
        )
    return segments, infos


def read_coco_panoptic(path: Path) -> tuple[list[ObjectImage], tuple[str, ...], tuple[bool, ...]]:
    """Read a panoptic JSON with its PNG, in the folder of its name or beside it.

    Returns
    -------
    images : list of ObjectImage
        Things are objects; crowds are unknown.
    names : tuple of str
        Of the categories, in the order of the class ids from 1.
    stuff : tuple of bool
        Whether each of them is stuff.

    Raises
    ------
    FileError
        If a file is missing or cannot be read.
    InputError
        If it is not a panoptic JSON, or a PNG has segments that the JSON does not list.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"The COCO JSON {path} cannot be read ({error})") from error
    try:
        names = {c["id"]: str(c["name"]) for c in content["categories"]}
        things = {c["id"]: bool(c.get("isthing", 1)) for c in content["categories"]}
        files = {i["id"]: str(i["file_name"]) for i in content["images"]}
        numbers = {key: n for n, key in enumerate(names, start=1)}
        images = [_read(path, a, files, numbers, things) for a in content["annotations"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is not a COCO panoptic JSON with images, annotations, segments_info and "
            f"categories ({error})"
        ) from error
    return images, tuple(names.values()), tuple(not things[key] for key in names)


def _read(
    path: Path,
    annotation: dict[str, Any],
    files: dict[Any, str],
    numbers: dict[Any, int],
    things: dict[Any, bool],
) -> ObjectImage:
    segments = _png(path, str(annotation["file_name"]))
    infos = {int(s["id"]): s for s in annotation["segments_info"]}
    ids, inverse = np.unique(segments, return_inverse=True)
    unknown = [int(i) for i in ids if i > 0 and int(i) not in infos]
    if unknown:
        raise InputError(f"The segment {unknown[0]} of {annotation['file_name']} is not listed")
    label, kind = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
    known, class_of = np.ones(len(ids), bool), [0]
    for place, number in enumerate(ids.tolist()):
        if number == 0:
            continue
        info = infos[number]
        kind[place] = numbers[info["category_id"]]
        if info.get("iscrowd"):
            known[place] = False
        elif things[info["category_id"]]:
            class_of.append(int(kind[place]))
            label[place] = len(class_of) - 1
    back = inverse.reshape(segments.shape)
    return ObjectImage(
        files[annotation["image_id"]],
        label[back].astype(np.uint32),
        np.array(class_of, np.int64),
        kind[back].astype(np.uint16),
        known=None if known.all() else known[back],
    )


def _png(path: Path, name: str) -> NDArray[np.int64]:
    """Return the segment ids of a PNG beside a JSON; none is looked for in other folders."""
    from . import read

    own = PurePosixPath(name.replace("\\", "/")).name
    places = [path.with_suffix("") / own, path.with_name(own)]
    file = next((p for p in places if p.is_file()), None)
    if file is None:
        raise FileError(
            f"The segments {own} of {path} are missing", hint=f"Put them in {places[0]}"
        )
    volume = read(file)
    array = np.asarray(volume.array).astype(np.int64)
    if array.ndim == 2:  # greys: red, green and blue are equal
        return array * (1 + 256 + 65536)
    return array[..., 0] + 256 * array[..., 1] + 65536 * array[..., 2]
