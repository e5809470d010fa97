"""Measure label volumes, and image intensities on the same grid, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.progress import drain
from ..features.declare.options import Measurements
from ..features.measure import measure
from ..features.out_of_core import measure_stored_steps
from ..features.registry import are_independent
from ..objects.parents import parents_of
from ..objects.summary import size_column
from .measure_inputs import on_one_grid

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume

LARGE_BYTES = 2**31  # larger labels are measured slab by slab

logger = logging.getLogger("napari_tally")


def measure_volumes(
    labels: Volume,
    images: Sequence[Volume] = (),
    options: Measurements | None = None,
    parents: Volume | None = None,
) -> pd.DataFrame:
    """Measure each object of a label volume in every channel of the images.

    Frames (axis T) are measured separately, and the table then has a column `t`. Labels without
    calibration use that of the first calibrated image. With `parents`, the columns `parent` (0 for
    none) and `parent_share` give the parent that contains most of an object.

    Raises
    ------
    InputError
        If the labels have channels, or an image or the parents lie elsewhere; see `on_one_grid`.
    """
    import pandas as pd

    given = on_one_grid(labels, images, parents)
    for note in given.notes:
        logger.warning("%s.", note)
    labels, images, parents = given.labels, given.images, given.parents
    if "T" not in labels.axes:
        return _frame(labels, images, options, parents)
    frames = []
    for t in range(labels.shape[labels.axes.index("T")]):
        parent = None if parents is None else parents.at("T", t)
        table = _frame(labels.at("T", t), [i.at("T", t) for i in images], options, parent)
        table.insert(0, "t", t)
        frames.append(table)
    return pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)


def measure_edited(
    before: pd.DataFrame,
    measured: NDArray[Any],
    labels: Volume,
    images: Sequence[Volume] = (),
    options: Measurements | None = None,
    parents: Volume | None = None,
) -> pd.DataFrame:
    """Measure edited labels again: only the changed objects if measurements are independent.

    Parameters
    ----------
    before : pandas.DataFrame
        Result of `measure_volumes` with the same images, options and parents.
    measured : ndarray
        The labels before the edits.
    labels : Volume
        The edited labels.
    """
    import pandas as pd

    now = np.asarray(labels.array)
    groups = (options or Measurements()).groups
    if "T" in labels.axes or now.shape != measured.shape or not are_independent(groups):
        return measure_volumes(labels, images, options, parents)
    changed = now != measured
    touched = np.union1d(now[changed], measured[changed])
    touched = touched[touched > 0]
    if not len(touched):
        return before
    some = replace(labels, array=np.where(np.isin(now, touched), now, 0))
    again = measure_volumes(some, images, options, parents)
    kept = before[~before["label"].isin(touched)]
    both = pd.concat([part for part in (kept, again) if len(part)] or [again])
    return both.sort_values("label", ignore_index=True)


def measure_parents(
    parents: Volume, table: pd.DataFrame, options: Measurements | None = None
) -> pd.DataFrame:
    """Measure the parents of the objects in a table, with the number and size of their children.

    Parameters
    ----------
    parents : Volume
        The parents used for the table.
    table : pandas.DataFrame
        A table with a column `parent` and an area or volume.
    """
    measured = measure_volumes(parents, (), options)
    keys = [k for k in ("t", "label") if k in measured]
    size = size_column(table)
    children = table.rename(columns={"label": "child", "parent": "label"}).groupby(keys)[size]
    result = measured.set_index(keys)
    result["children_count"] = children.count().reindex(result.index, fill_value=0)
    result[f"children_{size}"] = children.sum().reindex(result.index, fill_value=0.0)
    return result.reset_index()


def _frame(
    labels: Volume,
    images: Sequence[Volume],
    options: Measurements | None,
    parents: Volume | None,
) -> pd.DataFrame:
    unit = labels.unit if labels.calibrated else None
    names = tuple(name for image in images for name in _names(image, len(images) > 1))
    if parents is None and _is_large(labels):
        pixels = _stored_channels(images)
        steps = measure_stored_steps(labels.array, pixels, labels.spacing, unit, names, options)
        return drain(steps)
    array = np.asarray(labels.array)
    stacks = [image.channels_first() for image in images]
    pixels = np.concatenate(stacks) if len(stacks) > 1 else stacks[0] if stacks else None
    table = measure(array, pixels, labels.spacing, unit, names, options)
    if parents is not None:
        table["parent"], table["parent_share"] = parents_of(array, np.asarray(parents.array))
    return table


def _is_large(labels: Volume) -> bool:
    """Return whether labels are in a file and too large to read at once."""
    stored = not isinstance(labels.array, np.ndarray)
    return stored and int(getattr(labels.array, "nbytes", 0)) > LARGE_BYTES


def _stored_channels(images: Sequence[Volume]) -> Any:
    """Return the channels of images as one array (C, ...) that is read on demand."""
    import dask.array as da

    stacks = []
    for image in images:
        array = da.asarray(image.array)
        place = image.axes.find("C")
        stacks.append(array[None] if place < 0 else da.moveaxis(array, place, 0))
    return da.concatenate(stacks) if stacks else None


def _names(image: Volume, several: bool) -> tuple[str, ...]:
    """Return the channel names for columns, with the image name if there are several images."""
    names = image.channels or image.channel_names
    if not several:
        return names
    own = PurePath(image.name).stem
    return tuple(f"{own}_{name}" for name in names) or (own,)
