"""Measure objects that overlap by their full masks, not by what a label image shows of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import FileError, InputError
from ..core.full_masks import FullMask, FullMasks
from ..features.declare.options import Measurements
from ..features.registry import GROUPS
from ..files.coco import file_name, read_coco
from ..files.match_images_to_labels import bare
from .measure import measure_volumes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ..core.volume import Volume

_ENDS = "objects", "coco"  # of the names of COCO JSON beside labels


def measure_full_masks(
    labels: Volume,
    full: FullMasks,
    images: Sequence[Volume] = (),
    options: Measurements | None = None,
    parents: Volume | None = None,
) -> pd.DataFrame:
    """Measure each object by its full mask.

    What depends on other objects (neighbours, background rings, parents) is measured in the label
    image, where each pixel belongs to one of them.

    Parameters
    ----------
    labels : Volume
        Each pixel has the id of the object in front.
    full : FullMasks
        The full masks of objects of which others cover a part, in planes of `labels`.
    images, options, parents
        As for `measure_volumes`.
    """
    import pandas as pd

    options = options or Measurements()
    if not len(full):
        return measure_volumes(labels, images, options, parents)
    alone = tuple(name for name in options.groups if GROUPS[name].independent)
    own = options.model_copy(update={"groups": alone})
    layers = full.layers(np.asarray(labels.array))
    tables = [measure_volumes(replace(labels, array=a), images, own) for a in layers]
    keys = ["t", "label"] if "t" in tables[0] else ["label"]
    table = pd.concat([t for t in tables if len(t)] or tables[:1])
    table = table.sort_values(keys, ignore_index=True)
    if len(alone) == len(options.groups) and parents is None:
        return table
    shown = measure_volumes(labels, images, options, parents)
    added = [name for name in shown if name not in table]
    both = table.merge(shown[[*keys, *added]], on=keys, how="left")
    return both[[name for name in shown if name in both]]


def read_full_masks(labels_path: Path, labels: Volume) -> FullMasks:
    """Read the full masks of label objects from the COCO JSON beside them.

    That is `a_objects.json`, as `tally segment` writes it, or `a_coco.json`.

    An object of the JSON is the one in the labels that has most of its visible pixels.

    Raises
    ------
    FileError
        If there is no such file.
    InputError
        If it is of an image of another size.
    """
    places = [labels_path.with_name(f"{bare(labels_path)}_{end}.json") for end in _ENDS]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        names = " and ".join(place.name for place in places)
        raise FileError(
            f"There are no full masks of {labels_path}: {names} are missing",
            hint="Write it when you segment, or leave out --full-masks",
        )
    return FullMasks(tuple(_masks_of(path, labels)))


def _masks_of(path: Path, labels: Volume) -> Iterator[FullMask]:
    array, lead = np.asarray(labels.array), labels.axes[:-2]
    coco = read_coco(path)
    for image in coco.images:
        plane = _plane(file_name(image), lead)
        if len(plane) != len(lead) or any(p >= n for p, n in zip(plane, array.shape, strict=False)):
            raise InputError(
                f"{file_name(image)} of {path} is no plane of {labels.name} ({labels.axes})"
            )
        found = coco.drawn(image, array.shape[-2:])
        for mask in found.full:
            visible = found.objects[mask.box] == mask.label
            ids = array[plane][mask.box][visible]
            ids = ids[ids > 0]
            if ids.size:
                values, counts = np.unique(ids, return_counts=True)
                yield replace(mask, label=int(values[counts.argmax()]), plane=plane)


def _plane(name: str, lead: str) -> tuple[int, ...]:
    """Return the index of a plane along the axes before Y and X: `a.tif#t=0,z=3`."""
    places = dict(re.findall(r"([tz])=(\d+)", name.rpartition("#")[2])) if "#" in name else {}
    return tuple(int(places[a.lower()]) for a in lead if a.lower() in places)
