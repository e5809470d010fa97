"""Measure labels in the intensities of images on the same grid, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..features.measure import measure

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume


def measure_volumes(labels: Volume, images: Sequence[Volume] = ()) -> pd.DataFrame:
    """Measure each object of a label volume in every channel of the images.

    Frames (axis T) are measured one by one, and the table then has a column `t`. Where the labels
    have no calibration that of the first calibrated image is taken.

    Raises
    ------
    InputError
        If the labels have channels, or an image lies on another grid.
    """
    import pandas as pd

    if "C" in labels.axes:
        raise InputError(f"Labels without channels are needed in {labels.name}", labels.axes)
    labels = _calibrated(labels, images)
    for image in images:
        _check_grid(labels, image)
    if "T" not in labels.axes:
        return _frame(labels, images)
    frames = []
    for t in range(labels.shape[labels.axes.index("T")]):
        table = _frame(labels.at("T", t), [i.at("T", t) for i in images])
        table.insert(0, "t", t)
        frames.append(table)
    return pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)


def channels_first(volume: Volume) -> NDArray[Any]:
    """Return the array with its channels in front, shape (C, ...), one if it has no such axis."""
    array = np.asarray(volume.array)
    return np.moveaxis(array, volume.axes.index("C"), 0) if "C" in volume.axes else array[None]


def _frame(labels: Volume, images: Sequence[Volume]) -> pd.DataFrame:
    array = np.asarray(labels.array)
    unit = labels.unit if labels.calibrated else None
    if not images:
        return measure(array, None, labels.spacing, unit)
    stacks = [channels_first(image) for image in images]
    names = tuple(name for image in images for name in _names(image, len(images) > 1))
    return measure(array, np.concatenate(stacks), labels.spacing, unit, names)


def _names(image: Volume, several: bool) -> tuple[str, ...]:
    """Return the names of the columns of an image: its channels, with its own where needed."""
    names = image.channels or image.channel_names
    if not several:
        return names
    own = PurePath(image.name).stem
    return tuple(f"{own}_{name}" for name in names) or (own,)


def _calibrated(labels: Volume, images: Sequence[Volume]) -> Volume:
    for image in images:
        if not labels.calibrated and image.calibrated and image.spatial_axes == labels.spatial_axes:
            return replace(labels, spacing=image.spacing, unit=image.unit)
    return labels


def _check_grid(labels: Volume, image: Volume) -> None:
    if image.axes.replace("C", "") != labels.axes:
        raise InputError(
            f"An image with the axes {labels.axes} (and C) is needed for {labels.name}",
            f"{image.name} with {image.axes}",
        )
    if image.spatial_shape != labels.spatial_shape:
        raise InputError(
            f"An image of shape {labels.spatial_shape} is needed for {labels.name}",
            f"{image.name} of shape {image.spatial_shape}",
        )
