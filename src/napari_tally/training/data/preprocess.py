"""Preprocessing of labelled images, to the same grid and intensities as in inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.progress import Step, Steps
from ...geometry.resample import resample_labels
from ...segmentation.maps.network_grid import NetworkGrid, network_grid
from ...segmentation.maps.stack_strategies import StackStrategy
from ...segmentation.setup.choose_strategy import scaled
from .partial_labels import settled
from .sample import Sample

if TYPE_CHECKING:
    from ...heads.base import Head
    from ...models.model_info import ModelInfo
    from .labelled_image import Labelled

STAGE = "prepare the images"
_MOST = 2**24  # ids above are not exact in the float32 of augmented labels


def samples_steps(
    pairs: Sequence[Labelled], info: ModelInfo, class_ids: tuple[int, ...] = ()
) -> Steps[list[Sample]]:
    """Preprocess images for a model; yield after each, with its notes.

    Parameters
    ----------
    class_ids : tuple of int
        The ids in the labels of the head's classes, in their order.
    """
    found: list[Sample] = []
    for pair in pairs:
        sample, notes = sample_of(pair, info, class_ids)
        found.append(sample)
        yield Step(STAGE, len(found), len(pairs), notes[0] if notes else "")
        for note in notes[1:]:
            yield Step(STAGE, len(found), len(pairs), note)
    return found


def sample_of(
    pair: Labelled, info: ModelInfo, class_ids: tuple[int, ...] = ()
) -> tuple[Sample, list[str]]:
    """Return a preprocessed image with its labels, and notes for the user.

    Raises
    ------
    InputError
        If the head does not take its labels, or the annotated region is empty.
    """
    image = pair.image.channels_first()
    labels = _labels(pair, info.head, class_ids)
    grid, notes = _grid(pair, info, labels)
    odd = 0 if image.dtype.kind != "f" else int(image.size - np.isfinite(image).sum())
    if odd:
        notes.append(
            f"{odd:,} voxels of {pair.name} are NaN or infinite; they are set to background"
        )
    if not labels.any():
        notes.append(f"Nothing is labelled in {pair.name}; all of it is background")
    known = None
    if pair.known is not None and not pair.known.all():
        known = _resampled(settled(info.head, labels, pair.known).astype(np.uint8), grid) > 0
    resampled = _resampled(labels, grid)
    return Sample(
        pair.name, grid.network_input(info.preprocessing.normalizer(image)), resampled, known=known
    ), notes


def _grid(
    pair: Labelled, info: ModelInfo, labels: NDArray[np.integer]
) -> tuple[NetworkGrid, list[str]]:
    """Return the grid of the network's input, scaled to its range of object sizes."""
    first, notes = network_grid(pair.image, labels.shape, info)
    grid = scaled(first, pair.image, info, StackStrategy(), 1.0)
    diameter = _median_diameter(labels)
    if info.preprocessing.diameter is None or not diameter:
        return grid, notes
    scale = info.preprocessing.scale_for(diameter * grid.density ** (1 / labels.ndim))
    return scaled(first, pair.image, info, StackStrategy(), scale), notes


def _median_diameter(labels: NDArray[np.integer]) -> float:
    sizes = np.unique(labels[labels > 0], return_counts=True)[1]
    if not len(sizes):
        return 0.0
    middle = float(np.median(sizes))
    flat = labels.ndim == 2
    return float(2 * (np.sqrt(middle / np.pi) if flat else np.cbrt(0.75 * middle / np.pi)))


def _resampled(labels: NDArray[np.integer], grid: NetworkGrid) -> NDArray[np.int32]:
    oriented = labels if grid.turn is None else grid.turn(labels[None])[0]
    return resample_labels(oriented, grid.input_shape)


def _labels(pair: Labelled, head: Head, class_ids: tuple[int, ...]) -> NDArray[np.integer]:
    """Return labels as the head encodes them."""
    classes = None if pair.classes is None else np.asarray(pair.classes.array)
    array = head.prepare_labels(np.asarray(pair.labels.array), classes, class_ids, pair.name)
    if int(array.max(initial=0)) > _MOST:
        raise InputError(
            f"The largest id in {pair.name} is {array.max():,}, above the limit of {_MOST:,}",
            hint="Relabel the objects consecutively",
        )
    return array.astype(np.int32)
