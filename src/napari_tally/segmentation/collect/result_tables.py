"""Measure the tables of a result, once after all planes are decoded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.progress import Step, Steps
from ...measurement.measure import measure_volumes

if TYPE_CHECKING:
    import pandas as pd

    from ...core.volume import Volume
    from ..setup.run_setup import RunSetup
    from .collector import DecodedVolume

MEASURE = "measure objects"
_MM3_OF_ML = 1000.0


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a `Result`."""

    table: pd.DataFrame
    classes_table: pd.DataFrame | None = None
    segments: pd.DataFrame | None = None


def measure_steps(setup: RunSetup, found: DecodedVolume) -> Steps[Tables]:
    """Measure the objects and classes of a volume; yield every plane."""
    table = yield from _object_table_steps(setup, found)
    if found.classes is None:
        return Tables(table)
    names, kinds = setup.head.class_names, setup.head.class_kinds
    if found.regions is not None:
        return Tables(table, _measure_regions(setup, found.regions))
    classes = measure_classes(found.classes, setup.volume, names, kinds)
    return Tables(table, classes, segments_of(table, classes) if kinds else None)


def _measure_regions(setup: RunSetup, regions: Volume) -> pd.DataFrame:
    """Measure each class in full, where classes overlap."""
    import pandas as pd

    names, tables = setup.head.class_names, []
    for number, mask in enumerate(setup.head.masks(np.asarray(regions.array)), start=1):
        classes = replace(regions, array=mask.astype(np.uint16) * np.uint16(number))
        table = measure_classes(classes, setup.volume, names)
        tables.append(table[table["class"] == number])
    order = [key for key in ("t", "class") if key in tables[0]]
    return pd.concat(tables).sort_values(order, ignore_index=True)


def _object_table_steps(setup: RunSetup, found: DecodedVolume) -> Steps[pd.DataFrame]:
    """Return one row per object, sorted by id; yield every plane."""
    import pandas as pd

    if not setup.separates:
        return pd.DataFrame({"label": []}, dtype=int)
    planes, tables = list(setup.planes.indices()), []
    for number, index in enumerate(planes):
        tables.append(_plane_table(setup, found, index))
        yield Step(MEASURE, number + 1, len(planes))
    table = pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
    if found.class_confidence is not None:
        place = table.columns.get_loc("class_name") + 1
        table.insert(place, "class_confidence", found.class_confidence)
    table["confidence"] = np.clip(confidence(setup, found.evidence), 0, 1).round(4)
    return table


def confidence(setup: RunSetup, evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the confidence of each object: see `ModelInfo.confidence`."""
    calibration = setup.info.confidence
    return evidence[:, 0] if calibration is None else calibration(evidence)


def _plane_table(setup: RunSetup, found: DecodedVolume, index: tuple[int, ...]) -> pd.DataFrame:
    """Measure the objects of one plane in every channel of the volume."""
    lead = setup.planes.lead
    image, labels = _at(setup.volume, lead, index), _at(found.labels, lead, index)
    table = measure_volumes(replace(image, array=labels.array, axes=labels.axes, channel_names=()),
                            [image])  # fmt: skip
    if found.classes is not None:
        ids = _class_of(labels, _at(found.classes, lead, index), table["label"].to_numpy())
        names = setup.head.class_names
        table.insert(1, "class", ids)
        table.insert(2, "class_name", [names[i - 1] for i in ids])
    for place, axis in enumerate(lead):
        table.insert(place, axis.lower(), index[place])
    return table


def _at(volume: Volume, lead: str, index: tuple[int, ...]) -> Volume:
    for axis, place in zip(lead, index, strict=True):
        volume = volume.at(axis, place)
    return volume


def _class_of(labels: Volume, classes: Volume, ids: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the class of each object of a plane."""
    own, first = np.asarray(labels.array), int(ids.min(initial=1))
    class_of = np.zeros(int(ids.max(initial=0)) - first + 2, np.int64)
    inside = own > 0
    class_of[own[inside] - first] = np.asarray(classes.array)[inside]
    found: NDArray[np.integer] = class_of[ids - first]
    return found


def segments_of(objects: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """Return one table of objects and of regions of stuff, which have no id."""
    import pandas as pd

    stuff = classes[(classes["kind"] == "stuff") & (classes["voxels"] > 0)].drop(columns="voxels")
    objects = objects.assign(kind="thing", label=objects["label"].astype("Int64"))
    shared = [c for c in objects.columns if c in stuff.columns]
    table = pd.concat([objects, stuff[shared]], ignore_index=True) if len(stuff) else objects
    return table[["label", "kind", *(c for c in table.columns if c not in ("label", "kind"))]]


def measure_classes(
    classes: Volume, image: Volume, names: tuple[str, ...], kinds: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Measure each class of an image of class ids, one row per class (and frame, in column `t`).

    Columns: `class` and `class_name`; `kind` of a panoptic model; `voxels`; the area or volume as
    for objects, and `volume_ml` if lengths are in mm; the bounding box in voxels (missing for an
    absent class); the mean intensity in each channel.

    Parameters
    ----------
    classes : Volume
        Ids from 0 (the background) to the number of `names`.
    image : Volume
        Intensities on the same grid.
    names : tuple of str
        The name of each class.
    kinds : tuple of str
        "thing" or "stuff" for each class of a panoptic model, else empty.
    """
    import pandas as pd

    measured = measure_volumes(classes, [image])
    keys = ["t", "label"] if "t" in measured else ["label"]
    frames = _frames(classes)
    counts = [np.bincount(f.ravel(), minlength=len(names) + 1)[1:] for f in frames]
    everywhere = pd.MultiIndex.from_product([range(len(frames)), range(1, len(names) + 1)])
    index = everywhere.set_names(["t", "label"]) if "t" in keys else everywhere.droplevel(0)
    table = measured.set_index(keys).reindex(index.rename(keys if "t" in keys else "label"))
    size = next(c for c in table.columns if c.startswith(("area_", "volume_")))
    boxes = [c for c in table.columns if c.startswith("bbox_")]
    means = [c for c in table.columns if c.startswith("intensity_mean")]
    table["voxels"] = np.concatenate(counts)
    table[size] = table[size].fillna(0.0)
    table[boxes] = table[boxes].astype("Int64")
    if size == "volume_mm3":
        table["volume_ml"] = table[size] / _MM3_OF_ML
    table["class_name"] = [names[i - 1] for i in table.index.get_level_values("label")]
    ml = ["volume_ml"] if "volume_ml" in table else []
    rows = table[["class_name", "voxels", size, *ml, *boxes, *means]].reset_index()
    rows = rows.rename(columns={"label": "class"})
    if kinds:
        place = rows.columns.get_loc("class") + 2
        rows.insert(place, "kind", rows["class"].map(dict(enumerate(kinds, start=1))))
    return rows


def _frames(classes: Volume) -> list[NDArray[np.integer]]:
    array = np.asarray(classes.array)
    return list(np.moveaxis(array, classes.axes.index("T"), 0)) if "T" in classes.axes else [array]
