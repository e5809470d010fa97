"""The label layers of a result: objects, classes, or both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from .job import Done

OBJECTS, CLASSES, BOXES = "objects", "classes", "boxes"
_COLORS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#bfef45")


@dataclass(frozen=True)
class Part:
    """One label layer with its table.

    Attributes
    ----------
    kind : str
        "objects", "classes" or "boxes".
    labels : ndarray
        Ids of objects or classes.
    name : str
        Of the layer.
    table : pandas.DataFrame
        One row per object or class, with coordinates in the whole image.
    own : pandas.DataFrame
        The same with coordinates in `labels`.
    colors : tuple of str
        One per class; empty for objects.
    """

    kind: str
    labels: NDArray[np.integer]
    name: str
    table: pd.DataFrame
    own: pd.DataFrame
    colors: tuple[str, ...] = ()


def parts_of(done: Done) -> list[Part]:
    """Return the layers of a result, the requested one last."""
    result, job = done.result, done.job
    parts = []
    if result.classes is not None and result.classes_table is not None:
        own = result.classes_table.rename(columns={"class": "label"})
        colors = done.model.info.colors or _cycled(len(own["label"].unique()))
        name = f"{job.layer_name} {done.model.info.name}"
        table = job.region.shifted(own, job.volume)
        parts.append(Part(CLASSES, result.classes.array, name, table, own, colors))
    if result.separated:
        name = f"{job.layer_name} {result.nouns[1]}"
        table = job.region.shifted(result.table, job.volume)
        parts.append(Part(OBJECTS, result.labels, name, table, result.table))
    return parts


def tables_of(done: Done) -> list[Part]:
    """Return the parts of a result that have a table: its layers, and boxes without masks."""
    result, job = done.result, done.job
    if result.boxes is None:
        return parts_of(done)
    table = job.region.shifted(result.table, job.volume)
    return [*parts_of(done), Part(BOXES, result.labels, job.layer_name, table, result.table)]


def _cycled(count: int) -> tuple[str, ...]:
    return tuple(_COLORS[i % len(_COLORS)] for i in range(count))
