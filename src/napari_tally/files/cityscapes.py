"""Cityscapes: `*_instanceIds.png` (class x 1000 + number) and `*_labelIds.png` (class ids).

Cordts et al., 2016, https://doi.org/10.1109/CVPR.2016.350; the form of
https://github.com/mcordts/cityscapesScripts. Values below 1000 are classes without objects: stuff,
and groups that are not separated.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..core.errors import FileError, InputError
from ..core.volume import Volume
from .formats.cityscapes_ids import INSTANCES, PER_CLASS, objects_of
from .object_image import ObjectImage

CLASSES = "_labelIds.png"


def write_cityscapes(image: ObjectImage, path: Path) -> list[Path]:
    """Write `NAME_instanceIds.png` (16 bit) and `NAME_labelIds.png` beside a path.

    Returns
    -------
    list of Path
        The two files.

    Raises
    ------
    InputError
        If a class has more than 1,000 objects, or a class id is above 64.
    FileError
        If the folder cannot be written.
    """
    from . import write

    classes = np.asarray(image.class_image(), np.int64)
    class_of = np.asarray(image.class_of, np.int64)
    most = np.iinfo(np.uint16).max // PER_CLASS - 1
    if max(int(classes.max(initial=0)), int(class_of.max(initial=0))) > most:
        raise InputError(f"Cityscapes pictures hold class ids up to {most}")
    number = np.zeros(len(class_of), np.int64)
    for class_id in np.unique(class_of[1:]):
        own = np.flatnonzero(class_of == class_id)
        own = own[own > 0]
        if len(own) > PER_CLASS:
            raise InputError(
                f"Cityscapes pictures hold 1,000 objects of a class, not {len(own):,}",
                hint="Write COCO JSON instead",
            )
        number[own] = class_id * PER_CLASS + np.arange(len(own))
    ids = np.where(image.labels > 0, number[image.labels], classes)
    name = _name(path)
    paths = [path.with_name(name + INSTANCES), path.with_name(name + CLASSES)]
    write(Volume(ids.astype(np.uint16), "YX", is_labels=True), paths[0])
    write(Volume(classes.astype(np.uint8), "YX", is_labels=True), paths[1])
    return paths


def read_cityscapes(path: Path) -> ObjectImage:
    """Read `*_instanceIds.png`: objects, and the class of each pixel.

    Raises
    ------
    FileError
        If it cannot be read, or holds colours.
    """
    from . import read

    array = np.asarray(read(path).array)
    if array.ndim != 2 or array.dtype.kind not in "ui":
        raise FileError(
            f"{path} is not a Cityscapes picture of objects",
            hint="Use the files whose names end in _instanceIds.png",
        )
    labels, class_of = objects_of(array)
    value = array.astype(np.int64)
    classes = np.where(value >= PER_CLASS, value // PER_CLASS, value)
    return ObjectImage(path.name, labels, class_of, classes.astype(np.uint16))


def _name(path: Path) -> str:
    """Return the name of an image without suffix and without Cityscapes' own ends."""
    name = path.name
    for end in (INSTANCES, CLASSES, path.suffix):
        name = name.removesuffix(end)
    return name.removesuffix("_leftImg8bit")
