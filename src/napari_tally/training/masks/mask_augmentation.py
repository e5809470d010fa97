"""Random views of images with their masks: flips, quarter turns, scales, shifts, brightness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .mask_sample import masks_of

if TYPE_CHECKING:
    from .mask_sample import MaskSample

View = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]
_SCALES, _SHIFT = (0.8, 1.25), 0.1
_LEAST_SHARE = 0.2  # of an object that must be in the view


def views(
    samples: Sequence[MaskSample], shape: tuple[int, int], count: int, seed: int, first: int = 0
) -> Iterator[View]:
    """Yield random views of a shape, the same ones for a seed; each sample comes equally often."""
    for number in range(first, count):
        turn, place = divmod(number, len(samples))
        order = np.random.default_rng((seed, turn)).permutation(len(samples))
        rng = np.random.default_rng((seed, turn, place))
        yield view(samples[order[place]], shape, rng)


def view(sample: MaskSample, shape: tuple[int, int], rng: np.random.Generator) -> View:
    """Return a random view: an image, its masks, and their classes."""
    rows, columns, turned = _places(sample.labels.shape, shape, rng)
    image = _bilinear(sample.image, rows, columns)
    near = [np.floor(axis).astype(np.intp) for axis in (rows, columns)]
    labels = _nearest(sample.labels, near)
    full = {i: _nearest(mask, near) for i, mask in sample.full.items()}
    masks, classes = masks_of(labels, full, sample.classes)
    whole = {i: max(1, int(n)) for i, n in enumerate(np.bincount(sample.labels.ravel()))}
    ids = sorted({int(i) for i in np.unique(labels) if i > 0} | {i for i in full if full[i].any()})
    ids = [i for i in ids if i in sample.classes]
    density = len(rows) * len(columns) / max(1.0, np.ptp(rows) * np.ptp(columns))
    least = [
        _LEAST_SHARE * density * (sample.full[i].sum() if i in sample.full else whole.get(i, 1))
        for i in ids
    ]
    kept = masks.sum(axis=(1, 2)) >= np.maximum(least, 1) if len(ids) else np.zeros(0, bool)
    masks, classes = masks[kept], classes[kept]
    image = image * np.float32(rng.uniform(0.85, 1.15)) + np.float32(rng.normal(0, 0.1))
    if turned:
        image, masks = image.swapaxes(1, 2), masks.swapaxes(1, 2)
    return np.ascontiguousarray(image), np.ascontiguousarray(masks), classes


def _places(
    whole: tuple[int, ...], shape: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Return rows and columns, as continuous coordinates of the image, of a view."""
    turned = shape[0] == shape[1] and bool(rng.integers(2))
    scale = np.exp(rng.uniform(*np.log(_SCALES)))
    found = []
    for n, size in zip(whole, shape, strict=True):
        extent = size / scale
        room = max(0.0, n - extent)
        middle = rng.uniform(0, room) + min(n, extent) / 2 + rng.uniform(-1, 1) * _SHIFT * extent
        at = middle + (np.arange(size) + 0.5 - size / 2) / scale
        found.append(at[::-1] if rng.integers(2) else at)
    return found[0], found[1], turned


def _nearest(array: NDArray[Any], near: list[NDArray[np.intp]]) -> NDArray[Any]:
    """Return the values at rows and columns; 0 outside."""
    clipped = [np.clip(at, 0, n - 1) for at, n in zip(near, array.shape, strict=True)]
    out: NDArray[Any] = array[np.ix_(*clipped)]
    inside = [(at >= 0) & (at < n) for at, n in zip(near, array.shape, strict=True)]
    out[~(inside[0][:, None] & inside[1][None])] = 0
    return out


def _bilinear(
    image: NDArray[np.float32], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the image between its pixels, mirrored at its border."""
    for axis, at in ((1, rows), (2, columns)):
        n = image.shape[axis]
        reflected = np.abs(at - 0.5)
        reflected = np.clip(
            np.where(reflected > n - 1, 2 * (n - 1) - reflected, reflected), 0, n - 1
        )
        low = np.minimum(reflected.astype(np.intp), max(0, n - 2))
        share = (reflected - low).astype(np.float32).reshape((-1, 1) if axis == 1 else (1, -1))
        one, other = image.take(low, axis), image.take(np.minimum(low + 1, n - 1), axis)
        image = one + (other - one) * share
    return image
