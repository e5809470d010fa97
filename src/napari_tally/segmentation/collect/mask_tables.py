"""Measure the objects of a model that returns masks or boxes: score, class, visible area."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...core.full_masks import FullMasks
from ...core.progress import Step, Steps
from ...core.quantity import Quantity, table_unit
from ...measurement.measure import measure_volumes
from ...measurement.measure_full_masks import measure_full_masks
from .result_tables import MEASURE, Tables, measure_classes, segments_of

if TYPE_CHECKING:
    import pandas as pd

    from ...core.volume import Volume
    from ...heads.confidence import Calibration
    from .mask_collector import CollectedMasks


def measure_mask_steps(
    found: CollectedMasks,
    image: Volume,
    *,
    full_masks: bool = False,
    confidence: Calibration | None = None,
) -> Steps[Tables]:
    """Measure the objects and classes of a volume; yield every plane.

    Parameters
    ----------
    image : Volume
        Intensities on the grid of the labels.
    full_masks : bool
        Whether objects are measured in full where they overlap, not by what is visible of them.
    confidence : Calibration, optional
        Maps scores to the probability that an object is a true positive. Default: scores are.
    """
    if found.boxes is not None:
        table = _box_table(found, image)
    else:
        table = yield from _object_steps(found, image, full_masks)
    scores = found.scores if confidence is None else confidence(found.scores[:, None])
    rows = table["label"].to_numpy(np.int64) - 1
    table["confidence"] = np.clip(scores[rows], 0, 1).round(4)
    if found.classes is None:
        return Tables(table)
    kinds = tuple(
        "stuff" if n in found.stuff_classes else "thing"
        for n in range(1, len(found.class_names) + 1)
    )
    classes = measure_classes(found.classes, image, found.class_names, kinds)
    return Tables(table, classes, segments_of(table, classes))


def _object_steps(found: CollectedMasks, image: Volume, full_masks: bool) -> Steps[pd.DataFrame]:
    """Return one row per object, sorted by id; yield every plane."""
    import pandas as pd

    lead = found.lead
    shape = tuple(found.labels.shape[found.labels.axes.index(a)] for a in lead)
    tables = []
    indices = list(np.ndindex(*shape))
    for number, index in enumerate(indices):
        labels, own = found.labels, image
        for axis, place in zip(lead, index, strict=True):
            labels, own = labels.at(axis, place), own.at(axis, place)
        if full_masks:
            full = _of_plane(found.full, index)
            table = measure_full_masks(labels, full, [own])
        else:
            table = measure_volumes(labels, [own])
        for place, axis in enumerate(lead):
            table.insert(place, axis.lower(), index[place])
        tables.append(table)
        yield Step(MEASURE, number + 1, len(indices))
    table = pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)
    rows = table["label"].to_numpy(np.int64) - 1
    named = _named(found, rows)
    place = int(table.columns.get_loc("label")) + 1
    for n, (name, values) in enumerate(named.items()):
        table.insert(place + n, name, values)
    ndim = len(found.labels.axes) - len(lead)
    kind, size, unit = "area" if ndim == 2 else "volume", 1.0, table_unit("px")
    if image.calibrated and image.spacing is not None:
        unit = table_unit(image.unit, image.spacing)
        size = float(np.prod([_length(s, image.unit, unit) for s in image.spacing[-ndim:]]))
    table.insert(place + len(named), f"visible_{kind}_{unit}{ndim}", found.visible[rows] * size)
    return table


def _length(value: float, unit: str, wanted: str) -> float:
    """Return a length in another unit."""
    return float(Quantity((value,), unit).to(wanted)[0])


def _named(found: CollectedMasks, rows: np.ndarray) -> dict[str, object]:
    """Return the columns that the model gives each object."""
    ids = found.class_ids[rows]
    names = [found.class_names[i - 1] if 0 < i <= len(found.class_names) else "" for i in ids]
    return {"class": ids, "class_name": names, "score": found.scores[rows].round(4)}


def _of_plane(full: FullMasks, index: tuple[int, ...]) -> FullMasks:
    """Return the full masks in a plane (or stack), with indices in it."""
    count = len(index)
    own = (mask for mask in full if mask.plane[:count] == index)
    return FullMasks(tuple(replace(mask, plane=mask.plane[count:]) for mask in own))


def _box_table(found: CollectedMasks, image: Volume) -> pd.DataFrame:
    """Return one row per box: score, class, position in px, and size."""
    import pandas as pd

    assert found.boxes is not None and found.places is not None
    table = pd.DataFrame({a.lower(): found.places[:, i] for i, a in enumerate(found.lead)})
    table["label"] = np.arange(1, found.count + 1)
    for name, values in _named(found, np.arange(found.count)).items():
        table[name] = values
    unit, spacing = table_unit("px"), (1.0, 1.0)
    if image.calibrated and image.spacing is not None:
        unit = table_unit(image.unit, image.spacing)
        low, high = (_length(s, image.unit, unit) for s in image.spacing[-2:])
        spacing = low, high
    for axis, name in enumerate("yx"):
        first, last = found.boxes[:, axis], found.boxes[:, axis + 2]
        # As for objects: from the centre of the first pixel.
        table[f"centroid_{name}_{unit}"] = ((first + last) / 2 - 0.5) * spacing[axis]
        table[f"width_{name}_{unit}"] = (last - first) * spacing[axis]
        table[f"bbox_{name}_min_px"], table[f"bbox_{name}_max_px"] = first, last
    return table
