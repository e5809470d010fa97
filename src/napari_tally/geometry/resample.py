"""Resample images to the pixel size of a model, and labels back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..core.jit import compiled

_SLAB = 2**22  # voxels of one channel to interpolate at a time


def scaled_shape(shape: tuple[int, ...], scale: float) -> tuple[int, ...]:
    """Return a shape scaled by `scale`, at least 1 along each axis."""
    return tuple(max(1, round(n * scale)) for n in shape)


def resample_image(image: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the image, shape (C, *spatial), at another spatial shape: linear, anti-aliased."""
    from skimage.transform import resize

    if image.shape[1:] == shape:
        return image
    planes = [resize(c, shape, order=1, mode="reflect", anti_aliasing=True) for c in image]
    return np.stack(planes).astype(np.float32)


def resample_labels(labels: NDArray[np.integer], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Return 2D or 3D labels at another shape.

    Each new voxel takes the label with the largest sum of linear interpolation weights. Edges are
    smooth, not stepped as with nearest neighbours, and no float image per object is needed.
    """
    stack = (1,) * (3 - labels.ndim)
    source = np.ascontiguousarray(labels, np.int32).reshape(stack + labels.shape)
    out = np.empty(stack + shape, np.int32)
    _vote(source, out)
    return out.reshape(shape)


def resampled_slabs(
    maps: NDArray[np.floating], shape: tuple[int, ...]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield 2D or 3D maps, shape (C, *spatial), at another shape, a slab at a time.

    Linear interpolation where axes are upsampled, averages with a triangular kernel where they are
    downsampled, so that thin structures between new voxels count. Only one slab is in memory as
    float32.

    Yields
    ------
    place : slice
        The range of the slab along the first spatial axis.
    slab : ndarray of float32, shape (C, length of the slab, *other axes)
    """
    rest = shape[1:]
    length = max(1, _SLAB // max(1, int(np.prod(rest))))
    for start in range(0, shape[0], length):
        stop = min(start + length, shape[0])
        place = slice(start, stop)
        part = (place, *(slice(0, n) for n in rest))
        yield place, resampled_part(maps, shape, part, lambda cut: np.asarray(cut, np.float32))


def resampled_part(
    image: NDArray[np.generic],
    shape: tuple[int, ...],
    part: tuple[slice, ...],
    prepare: Callable[[NDArray[np.generic]], NDArray[np.float32]],
    *,
    antialias: bool = True,
) -> NDArray[np.float32]:
    """Return a part of the image, shape (C, *spatial), at another spatial shape, as float32.

    Interpolated as by `resampled_slabs`; only the required voxels are read and prepared.

    Parameters
    ----------
    shape : tuple of int
        Spatial shape of the whole resampled image.
    part : tuple of slice
        The part to return.
    prepare : callable
        Converts a part of the image to float32.
    antialias : bool
        Whether voxels are averaged where axes are downsampled (as Pillow does it), not only
        interpolated (as OpenCV does it).
    """
    weighted = [
        _weights(old, new, cut.start, cut.stop, antialias=antialias)
        for old, new, cut in zip(image.shape[1:], shape, part, strict=True)
    ]
    cuts = tuple(slice(low, low + weights.shape[1]) for low, weights in weighted)
    resampled = prepare(image[(slice(None), *cuts)])
    for axis, (_, weights) in enumerate(weighted, start=1):
        if shape[axis - 1] != image.shape[axis]:
            resampled = np.moveaxis(np.tensordot(weights, resampled, (1, axis)), 0, axis)
        else:
            low = weighted[axis - 1][0]
            cut = slice(part[axis - 1].start - low, part[axis - 1].stop - low)
            resampled = resampled[(slice(None),) * axis + (cut,)]
    return np.ascontiguousarray(resampled)


def _weights(
    old: int, new: int, start: int, stop: int, *, antialias: bool
) -> tuple[int, NDArray[np.float32]]:
    """Return the weights of old voxels for the new ones from `start` to `stop`.

    Returns
    -------
    low : int
        The first old voxel with a weight.
    weights : ndarray, shape (stop - start, number of old voxels with a weight)
    """
    ratio = old / new
    reach = max(1.0, ratio) if antialias else 1.0
    at = np.clip((np.arange(start, stop) + 0.5) * ratio - 0.5, 0, old - 1)
    low, high = max(0, int(np.ceil(at[0] - reach))), min(old - 1, int(at[-1] + reach))
    away = np.abs(np.arange(low, high + 1) - at[:, None])
    weights = np.clip(1 - away / reach, 0, None)
    return low, (weights / weights.sum(1, keepdims=True)).astype(np.float32)


@compiled(parallel=False)
def _vote(source: NDArray[np.int32], out: NDArray[np.int32]) -> None:
    ids = np.zeros(8, np.int32)
    low = np.zeros(3, np.int64)
    part = np.zeros(3, np.float64)
    for z in range(out.shape[0]):
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                for k, i in enumerate((z, y, x)):
                    at = (i + 0.5) * source.shape[k] / out.shape[k] - 0.5
                    at = min(max(at, 0.0), source.shape[k] - 1.0)
                    low[k] = min(np.int64(at), max(source.shape[k] - 2, 0))
                    part[k] = at - low[k]
                for corner in range(8):
                    zz = min(low[0] + (corner >> 2), source.shape[0] - 1)
                    yy = min(low[1] + ((corner >> 1) & 1), source.shape[1] - 1)
                    xx = min(low[2] + (corner & 1), source.shape[2] - 1)
                    ids[corner] = source[zz, yy, xx]
                others = 0
                for corner in range(1, 8):
                    others += ids[corner] != ids[0]
                if others == 0:
                    out[z, y, x] = ids[0]
                    continue
                best, most = np.int32(0), -1.0
                for corner in range(8):
                    weight = 0.0
                    for other in range(8):
                        if ids[other] == ids[corner]:
                            share = part[0] if other >> 2 else 1 - part[0]
                            share *= part[1] if (other >> 1) & 1 else 1 - part[1]
                            share *= part[2] if other & 1 else 1 - part[2]
                            weight += share
                    if weight > most:
                        best, most = ids[corner], weight
                out[z, y, x] = best
