"""Choice of inverted contrast for fine-tuning a model of bright objects on dark ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...core.progress import drain
from ...network.device import choose_device, choose_dtype
from ...network.normalize import AnyNormalizer, Percentile
from ..data.preprocess import sample_of
from ..loop.validation import compared, found_steps

if TYPE_CHECKING:
    from ...models.bundle import Model
    from ..data.labelled_image import Labelled
    from ..loop.hyperparameters import Hyperparameters

_TRIED = 2  # images
_SIDE = 512  # px a side of the part that is tried, around the first object
_SIDE_3D = 64


def suited(
    pairs: Sequence[Labelled], model: Model, recipe: Hyperparameters, device: str
) -> AnyNormalizer:
    """Return the model's own normalizer, or the inverted one if that scores better.

    It is tried only where objects are darker than the rest of the image, and taken untried if the
    images have other channels than the model.

    Parameters
    ----------
    pairs : sequence of Labelled
        With as many axes as the model's input.
    recipe : Hyperparameters
        With the model's head, architecture and windows.
    """
    own = model.info.preprocessing.normalizer
    labelled = [pair for pair in pairs if np.any(pair.labels.array)][:_TRIED]
    dark = [pair for pair in labelled if _is_dark(pair)]
    if not isinstance(own, Percentile) or own.inverted or model.info.head.kind != "instances":
        return own
    if not labelled or len(dark) < len(labelled):
        return own
    other = own.model_copy(update={"inverted": True})
    if recipe.architecture.in_channels != model.trainable.in_channels:
        return other  # the model cannot be tried
    parts = [_part(pair) for pair in labelled]
    scores = [_score(parts, model, recipe, normalizer, device) for normalizer in (own, other)]
    return other if scores[1] > scores[0] else own


def _is_dark(pair: Labelled) -> bool:
    image, inside = pair.image.channels_first()[0], np.asarray(pair.labels.array) > 0
    return (
        bool(np.nanmedian(image[inside]) < np.nanmedian(image[~inside])) if inside.any() else False
    )


def _part(pair: Labelled) -> Labelled:
    """Return the part of an image that is tried."""
    labels = np.asarray(pair.labels.array)
    side = _SIDE if labels.ndim == 2 else _SIDE_3D
    first = np.argwhere(labels > 0)[0]
    starts = [
        max(0, min(at - side // 2, n - side)) for at, n in zip(first, labels.shape, strict=True)
    ]
    cut = tuple(slice(start, start + side) for start in starts)
    image = pair.image.channels_first()[(slice(None), *cut)]
    known = None if pair.known is None else pair.known[cut]
    part = replace(pair.image, array=image, axes="C" + pair.labels.axes, affine=None)
    return replace(pair, image=part, labels=replace(pair.labels, array=labels[cut]), known=known)


def _score(
    parts: Sequence[Labelled],
    model: Model,
    recipe: Hyperparameters,
    normalizer: AnyNormalizer,
    device: str,
) -> float:
    inputs = model.info.preprocessing.model_copy(update={"normalizer": normalizer})
    info = model.info.model_copy(update={"preprocessing": inputs})
    samples = [sample_of(replace(part, known=None), info)[0] for part in parts]
    where = choose_device(device)
    found = drain(found_steps(model.networks[0], recipe, where, choose_dtype(where), samples))
    return compared(info.head, found, samples).main
