"""Measure a result again after its labels were edited by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..measurement.measure import measure_volumes
from ..metrics.overlaps import overlaps
from .collect.result_tables import measure_classes, segments_of

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume
    from ..models.model_info import ModelInfo
    from .result import Result

MODEL_COLUMNS = ("class", "class_name", "class_confidence", "score", "confidence")
_SAME_IOU = 0.5  # above it an edited object is the one that the model found


def remeasured(
    result: Result,
    image: Volume,
    info: ModelInfo,
    labels: NDArray[np.integer],
    classes: NDArray[np.integer] | None = None,
) -> Result:
    """Return a result with edited labels, measured as those of the run.

    An object keeps the class and the confidence that the model gave it while it has most of its
    voxels (IoU above 0.5); objects that were added have none.

    Parameters
    ----------
    result : Result
        As the model found it.
    image : Volume
        The image that was segmented.
    info : ModelInfo
        Of the model.
    labels, classes : ndarray
        The edited labels and class ids, on the grid of the result.

    Raises
    ------
    InputError
        If the labels have another shape than the image.
    """
    if labels.shape != result.volume.shape:
        raise InputError(
            f"The labels of {image.name} now have the shape {labels.shape}, not that of the image,"
            f" {result.volume.shape}",
            hint="Measure them in the Measure dock",
        )
    volume = replace(result.volume, array=labels)
    table, evidence = result.table, result.evidence
    if result.separated:
        table, evidence = _objects(result, volume, image)
    same = same_objects(np.asarray(result.labels), labels)
    full = result.full_masks.renumbered({int(i): int(i) for i in same})
    result = replace(result, volume=volume, table=table, evidence=evidence, full_masks=full)
    if classes is None or result.classes is None:
        return result
    kept = replace(result.classes, array=classes)
    own = info.head.class_names or result.class_names
    names = _names(own, int(classes.max(initial=0)))
    kinds = info.head.class_kinds or _kinds(result.classes_table)
    measured = measure_classes(kept, image, names, kinds)
    segments = segments_of(table, measured) if kinds else None
    return replace(result, classes=kept, classes_table=measured, segments=segments)


def same_objects(before: NDArray[np.integer], now: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the ids whose objects have an IoU above 0.5 before and after an edit."""
    shared = overlaps(before, now)
    old, new = shared.predicted_ids[shared.predicted], shared.true_ids[shared.true]
    same: NDArray[np.integer] = old[(old == new) & (shared.iou > _SAME_IOU)]
    return same


def _objects(
    result: Result, labels: Volume, image: Volume
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return the table of edited objects, and their evidence (NaN for objects that were added)."""
    import pandas as pd

    before = result.table
    lead = "".join(a for a in labels.axes if a.lower() in before.columns)
    table = _by_plane(labels, image, lead)
    same = same_objects(np.asarray(result.labels), np.asarray(labels.array))
    known = before.set_index("label")
    evidence = pd.DataFrame(result.evidence, known.index)
    kept = known.index.isin(same)
    found = known.loc[kept, [c for c in MODEL_COLUMNS if c in known]]
    if "class" in found:
        found["class"] = found["class"].astype("Int64")
    table = table.join(found, on="label")
    for visible in (c for c in before if c.startswith("visible_")):
        table[visible] = table[visible.removeprefix("visible_")]
    ordered = [*before.columns, *(c for c in table if c not in before)]
    rows = evidence[kept].reindex(table["label"])
    return table[ordered], rows.to_numpy(np.float64)


def _by_plane(labels: Volume, image: Volume, lead: str) -> pd.DataFrame:
    """Measure each plane along the leading axes separately, as the run did."""
    import pandas as pd

    if not lead:
        return measure_volumes(labels, [image])
    axis, tables = lead[0], []
    for index in range(labels.shape[labels.axes.index(axis)]):
        table = _by_plane(labels.at(axis, index), image.at(axis, index), lead[1:])
        table.insert(0, axis.lower(), index)
        tables.append(table)
    return pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)


def _kinds(classes: pd.DataFrame | None) -> tuple[str, ...]:
    """Return "thing" or "stuff" for each class of a model that tells them apart."""
    if classes is None or "kind" not in classes:
        return ()
    return tuple(classes.drop_duplicates("class").sort_values("class")["kind"])


def _names(known: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Return the names of classes; those that were painted are numbered."""
    return (*known, *(f"class {i}" for i in range(len(known) + 1, most + 1)))
