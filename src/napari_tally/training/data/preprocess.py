"""Labelled images, brought to the network as a run brings them: the same grid and intensities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.progress import Step, Steps
from ...geometry.resample import resample_labels
from ...heads.panoptic import Panoptic
from ...objects.relabel import relabel
from ...segmentation.maps.network_grid import NetworkGrid, network_grid
from ...segmentation.maps.stack_strategies import Way
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
    """Bring images to the network of a model; yield after each, and say what was done to them.

    Parameters
    ----------
    class_ids : tuple of int
        The ids that the classes of the model's head have in the labels.
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
    """Return an image as the network sees it, and what the user should be told.

    Raises
    ------
    InputError
        If it has labels that the head does not take, or the region that is known holds nothing.
    """
    image = pair.image.channels_first()
    labels = _labels(pair, info.head, class_ids)
    grid, notes = _grid(pair, info, labels)
    odd = 0 if image.dtype.kind != "f" else int(image.size - np.isfinite(image).sum())
    if odd:
        notes.append(f"{odd:,} voxels of {pair.name} are NaN or infinite: set to background")
    if not labels.any():
        notes.append(f"Nothing is labelled in {pair.name}: it teaches what the background is")
    known = None
    if pair.known is not None and not pair.known.all():
        known = _seen(settled(info.head, labels, pair.known).astype(np.uint8), grid) > 0
    seen = _seen(labels, grid)
    return Sample(
        pair.name, grid.seen(info.preprocessing.normalizer(image)), seen, known=known
    ), notes


def _grid(
    pair: Labelled, info: ModelInfo, labels: NDArray[np.integer]
) -> tuple[NetworkGrid, list[str]]:
    """Return the grid of the network, on which objects have a size that it knows."""
    first, notes = network_grid(pair.image, labels.shape, info)
    grid = scaled(first, pair.image, info, Way(), 1.0)
    diameter = _median_diameter(labels)
    if info.preprocessing.diameter is None or not diameter:
        return grid, notes
    scale = info.preprocessing.scale_for(diameter * grid.density ** (1 / labels.ndim))
    return scaled(first, pair.image, info, Way(), scale), notes


def _median_diameter(labels: NDArray[np.integer]) -> float:
    sizes = np.unique(labels[labels > 0], return_counts=True)[1]
    if not len(sizes):
        return 0.0
    middle = float(np.median(sizes))
    flat = labels.ndim == 2
    return float(2 * (np.sqrt(middle / np.pi) if flat else np.cbrt(0.75 * middle / np.pi)))


def _seen(labels: NDArray[np.integer], grid: NetworkGrid) -> NDArray[np.int32]:
    turned = labels if grid.turn is None else grid.turn(labels[None])[0]
    return resample_labels(turned, grid.seen_shape)


def _labels(pair: Labelled, head: Head, class_ids: tuple[int, ...]) -> NDArray[np.integer]:
    """Return labels as the head encodes them."""
    array = np.asarray(pair.labels.array)
    if isinstance(head, Panoptic):
        if pair.classes is None:
            raise InputError(f"Class ids beside the objects are needed for {pair.name}", "none")
        classes = _numbered(np.asarray(pair.classes.array), class_ids, pair.name)
        things = np.isin(classes, head.ids("thing"))
        array = head.joined(relabel(np.where(things, array, 0)), classes)
    elif head.class_names:
        array = _numbered(array, class_ids, pair.name)
    else:
        array = relabel(array)
    if int(array.max(initial=0)) > _MOST:
        raise InputError(f"At most {_MOST:,} ids are needed in {pair.name}", f"{array.max()}")
    return array.astype(np.int32)


def _numbered(
    classes: NDArray[np.integer], class_ids: tuple[int, ...], name: str
) -> NDArray[np.integer]:
    """Return class ids as numbers from 1, without gaps."""
    unknown = np.setdiff1d(classes, (0, *class_ids))
    if len(unknown):
        raise InputError(
            f"The class ids {', '.join(map(str, class_ids))} are needed in {name}",
            f"{unknown[0]} too",
        )
    ids = np.array((0, *class_ids))
    order = np.argsort(ids)
    numbers: NDArray[np.integer] = order[np.searchsorted(ids[order], classes)]
    return numbers
