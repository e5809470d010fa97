"""Images with the full masks of their objects, in the input of a network that returns masks."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.progress import Step, Steps
from ...segmentation.masks.framed_input import framed_input
from ...segmentation.setup.mask_layout import frame_options
from ...segmentation.setup.model_channels import model_channels
from ..data.preprocess import STAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...mask_sets.frame import Frame
    from ...models.bundle import Model
    from ..data.labelled_image import Labelled

logger = logging.getLogger("napari_tally")
_LONGEST = 1333  # px of an input whose size follows the image


@dataclass(frozen=True, eq=False)
class MaskSample:
    """An image in the input of a network, with its objects.

    Attributes
    ----------
    image : ndarray of float32, shape (C, Y, X)
        Normalized.
    labels : ndarray of int32, shape (Y, X)
        The ids of the objects in front.
    classes : dict of int to int
        The class of each id, from 0.
    full : dict of int to ndarray of bool, shape (Y, X)
        The full masks of objects of which others cover a part.
    """

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.int32]
    classes: dict[int, int]
    full: dict[int, NDArray[np.bool_]] = field(default_factory=dict)

    def masks(self) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return all masks, shape (objects, Y, X), and their classes."""
        return masks_of(self.labels, self.full, self.classes)


def masks_of(
    labels: NDArray[np.integer], full: dict[int, NDArray[np.bool_]], classes: dict[int, int]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return the masks of ids, shape (objects, Y, X), in full where they are known, and classes."""
    front = {int(i): labels == i for i in np.unique(labels) if i > 0}
    found = {**front, **{i: mask for i, mask in full.items() if mask.any()}}
    ids = sorted(i for i in found if i in classes)
    masks = np.array([found[i] for i in ids], bool).reshape(-1, *labels.shape)
    return masks, np.array([classes[i] for i in ids], np.int64)


def mask_samples_steps(
    pairs: Sequence[Labelled], model: Model, class_ids: tuple[int, ...]
) -> Steps[list[MaskSample]]:
    """Bring images and their objects into the input of a model; yield after each.

    Parameters
    ----------
    class_ids : tuple of int
        The ids in `Labelled.classes` of the classes, in their order; () for one class.
    """
    found: list[MaskSample] = []
    for pair in pairs:
        found.append(mask_sample(pair, model, class_ids))
        note = "" if found[-1].classes else f"Nothing is labelled in {pair.name}"
        yield Step(STAGE, len(found), len(pairs), note)
    return found


def mask_sample(pair: Labelled, model: Model, class_ids: tuple[int, ...]) -> MaskSample:
    """Return an image and its objects in the input of a model.

    Raises
    ------
    InputError
        If the image is a stack, or an object has a class that is not one of these.
    """
    chosen = model_channels(pair.image, model, None)
    labels = np.asarray(pair.labels.array)
    if chosen.image.ndim != 3:
        raise InputError(f"{pair.name} is a stack, but {model.info.name} takes 2D images")
    if pair.known is not None and not pair.known.all():
        logger.warning(
            "%s is annotated in a part only; the rest of it counts as background.", pair.name
        )
    frame = _frame(model, labels)
    p = model.info.preprocessing
    limits = p.normalizer.fit(chosen.image)
    gray = None if p.frame is None else p.frame.pad_value
    border = p.normalizer.border(gray, len(chosen.image))
    image = framed_input(chosen.image, frame, lambda part: p.normalizer(part, limits), border)
    full = {}
    for mask in pair.full:
        whole = np.zeros(labels.shape, bool)
        whole[mask.box] = mask.mask()
        full[mask.label] = _framed(whole, frame)
    own = _classes(pair, labels, class_ids)
    return MaskSample(pair.name, image, _framed(labels.astype(np.int32), frame), own, full)


def _frame(model: Model, labels: NDArray[np.integer]) -> Frame:
    """Return how the image is resized: for objects of the model's size if it has one."""
    runtime, p = model.info.runtime, model.info.preprocessing
    assert runtime is not None
    options = frame_options(p.frame, runtime)
    shape = (labels.shape[0], labels.shape[1])
    scale = p.scale_for(_median_diameter(labels)) if p.diameter is not None else 1.0
    if options.fixed is None and options.fit == "none" and scale != 1.0:
        longest = min(_LONGEST, max(1, round(max(shape) * scale)))
        options = options.model_copy(update={"fit": "pad", "longest": longest})
    return options.frame(shape)


def _median_diameter(labels: NDArray[np.integer]) -> float | None:
    sizes = np.bincount(labels.ravel())[1:]
    sizes = sizes[sizes > 0]
    return float(2 * np.sqrt(np.median(sizes) / np.pi)) if len(sizes) else None


def _framed(array: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """Return labels or a mask in the input, 0 around the image; nearest neighbours."""
    out = np.zeros(frame.input_shape, array.dtype)
    size = [round(n * s) for n, s in zip(frame.shape, frame.scale, strict=True)]
    top, left = (int(n) for n in frame.pad)
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * whole / n).astype(np.intp), whole - 1)
        for n, whole in zip(size, frame.shape, strict=True)
    )
    out[top : top + size[0], left : left + size[1]] = array[np.ix_(rows, columns)]
    return out


def _classes(
    pair: Labelled, labels: NDArray[np.integer], class_ids: tuple[int, ...]
) -> dict[int, int]:
    """Return the class of each object: that of most of its pixels."""
    ids = [int(i) for i in np.unique(labels) if i > 0]
    ids += [m.label for m in pair.full if m.label not in ids]
    if pair.classes is None or not class_ids:
        return dict.fromkeys(ids, 0)
    numbers = {own: number for number, own in enumerate(class_ids)}
    array, found = np.asarray(pair.classes.array), {}
    for i in ids:
        inside = array[labels == i]
        inside = inside[inside > 0]
        if not inside.size:
            continue
        own = int(np.bincount(inside).argmax())
        if own not in numbers:
            raise InputError(f"Object {i} of {pair.name} has the class {own}, which is unknown")
        found[i] = numbers[own]
    return found
