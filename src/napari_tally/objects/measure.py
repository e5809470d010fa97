"""Measure objects: size, place, shape, border contact and intensities, one row an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError
from ..core.quantity import LENGTHS, canonical_unit
from ..core.volume import SPATIAL
from .moments import Moments, moments
from .relabel import as_labels

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, NDArray[Any]]

# Types that are summed as they are; each is compiled for once.
NATIVE = (np.uint8, np.uint16, np.float32, np.float64)
LENGTH_NAMES = {2: ("major", "minor"), 3: ("major", "middle", "minor")}


def measure(
    labels: ArrayLike,
    image: ArrayLike | None = None,
    spacing: Sequence[float] | None = None,
    unit: str | None = None,
    channel_names: Sequence[str] = (),
) -> pd.DataFrame:
    """Measure the objects of a label image, one row an object, in one pass over the array.

    Columns carry their units: µm, or mm for a spacing in mm or cm, or px without spacing. Axis
    lengths are those of the ellipse or ellipsoid of the same second moments and equal
    scikit-image's; bounding boxes are voxel indices, `max` exclusive. Intensities are those of the
    finite voxels, with the standard deviation of the population; NaN where there are none.

    Parameters
    ----------
    labels : array-like, shape (Y, X) or (Z, Y, X)
        Ids, or a mask, whose connected parts are measured; see `relabel`.
    image : array-like, optional
        Intensities, of the shape of the labels or with channels first (C, *spatial).
    spacing : sequence of float, optional
        Size of a voxel along each axis, in `unit`.
    unit : str, optional
        Unit of length of the spacing.
    channel_names : sequence of str
        Endings of the columns of intensities; numbers are taken for several channels without.

    Returns
    -------
    pandas.DataFrame
        Rows in the order of the ids; column `label` holds the ids of `labels` as given.

    Raises
    ------
    InputError
        If labels, image, spacing and names do not fit each other.
    """
    import pandas as pd

    if np.ndim(labels) not in (2, 3):
        raise InputError(
            "Labels of axes (Y, X) or (Z, Y, X) are needed", f"shape {np.shape(labels)}"
        )
    found, ids = as_labels(labels)
    channels = _channels(image, found.shape)
    endings = _endings(len(channels), tuple(channel_names))
    size, length = _voxel_size(spacing, unit, found.ndim)
    stack = (1,) * (3 - found.ndim) + found.shape
    sums = moments(found.reshape(stack), channels.reshape(len(channels), *stack), len(ids))
    return pd.DataFrame(
        {
            "label": ids,
            **_size_columns(sums, size, length),
            **_place_columns(sums, size, length),
            **_length_columns(sums, size, length),
            "touches_border": _touches_border(sums, found.shape),
            **_intensity_columns(sums, endings),
        }
    )


def _channels(image: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the image as (C, *spatial) in a type that the pass is compiled for."""
    if image is None:
        return np.empty((0, *shape), np.uint8)
    array = np.asarray(image)
    if array.shape != shape and array.shape[1:] != shape:
        raise InputError(
            f"An image of the labels' shape {shape}, or with channels before it, is needed",
            f"shape {array.shape}",
        )
    if array.dtype.kind not in "buif":
        raise InputError("An image of real numbers is needed", f"values of type {array.dtype}")
    if array.ndim == len(shape):
        array = array[None]
    return array.astype(_summed_type(array.dtype), copy=False)


def _summed_type(dtype: np.dtype[Any]) -> type[np.generic]:
    for native in NATIVE:
        if dtype == native:
            return native
    return {"b": np.uint8, "f": np.float32 if dtype.itemsize < 4 else np.float64}.get(
        dtype.kind, np.float64
    )


def _endings(count: int, names: tuple[str, ...]) -> list[str]:
    """Return what the names of each channel's columns end with; a repeated name is numbered."""
    if names and count and len(names) != count:
        raise InputError(f"{count} channel names are needed", f"{len(names)}: {', '.join(names)}")
    if not names:
        return [f"_{i}" for i in range(count)] if count > 1 else [""] * count
    return [f"_{n}" if names.count(n) == 1 else f"_{n}_{i}" for i, n in enumerate(names[:count])]


def _voxel_size(
    spacing: Sequence[float] | None, unit: str | None, ndim: int
) -> tuple[NDArray[np.float64], str]:
    """Return the voxel size along each axis in the unit of the table, and that unit."""
    if spacing is None:
        return np.ones(ndim), "px"
    given = canonical_unit(unit)
    if given is None:
        raise InputError("A unit of length of the spacing is needed", repr(unit), "Try 'um'")
    size = np.array(spacing, np.float64)
    if size.shape != (ndim,) or not (np.isfinite(size) & (size > 0)).all():
        raise InputError(f"{ndim} positive, finite numbers are needed as spacing", f"{spacing}")
    name = "mm" if given in ("mm", "cm") else "um"
    return size * (LENGTHS[given] / LENGTHS[name]), name


def _size_columns(sums: Moments, size: NDArray[np.float64], unit: str) -> Columns:
    ndim = len(size)
    amount = sums.count * size.prod()
    kind = "area" if ndim == 2 else "volume"
    diameter = 2 * np.sqrt(amount / np.pi) if ndim == 2 else np.cbrt(6 * amount / np.pi)
    return {f"{kind}_{unit}{ndim}": amount, f"equivalent_diameter_{unit}": diameter}


def _place_columns(sums: Moments, size: NDArray[np.float64], unit: str) -> Columns:
    ndim = len(size)
    axes = SPATIAL[-ndim:].lower()
    places = sums.centroid[:, -ndim:] * size
    return {
        **{f"centroid_{a}_{unit}": places[:, i] for i, a in enumerate(axes)},
        **{f"bbox_{a}_min_px": sums.low[:, i - ndim] for i, a in enumerate(axes)},
        **{f"bbox_{a}_max_px": sums.high[:, i - ndim] for i, a in enumerate(axes)},
    }


def _length_columns(sums: Moments, size: NDArray[np.float64], unit: str) -> Columns:
    """Return the axes of the solid ellipse or ellipsoid of the same covariance.

    The variance along a semi-axis `a` is a²/4 in an ellipse and a²/5 in an ellipsoid.
    """
    ndim = len(size)
    covariance = sums.covariance[:, -ndim:, -ndim:] * np.outer(size, size)
    variances = np.clip(np.linalg.eigvalsh(covariance), 0, None)[:, ::-1]
    lengths = 2 * np.sqrt((ndim + 2) * variances)
    return {f"axis_{n}_length_{unit}": lengths[:, i] for i, n in enumerate(LENGTH_NAMES[ndim])}


def _touches_border(sums: Moments, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    ndim = len(shape)
    low, high = sums.low[:, -ndim:], sums.high[:, -ndim:]
    touches: NDArray[np.bool_] = ((low == 0) | (high == shape)).any(axis=1)
    return touches


def _intensity_columns(sums: Moments, endings: list[str]) -> Columns:
    columns: Columns = {}
    for i, ending in enumerate(endings):
        columns[f"intensity_mean{ending}"] = sums.mean[:, i]
        columns[f"intensity_min{ending}"] = sums.minimum[:, i]
        columns[f"intensity_max{ending}"] = sums.maximum[:, i]
        columns[f"intensity_std{ending}"] = np.sqrt(sums.variance[:, i])
    return columns
