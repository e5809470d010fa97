"""Measure objects: one row an object, a column a measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError
from ..core.quantity import LENGTHS, canonical_unit, table_unit
from ..objects.relabel import as_labels
from .declare.object_data import Objects
from .declare.options import Measurements
from .registry import chosen

if TYPE_CHECKING:
    import pandas as pd

# Types that are summed as they are; each is compiled for once.
NATIVE = (np.uint8, np.uint16, np.float32, np.float64)


def measure(
    labels: ArrayLike,
    image: ArrayLike | None = None,
    spacing: Sequence[float] | None = None,
    unit: str | None = None,
    channel_names: Sequence[str] = (),
    options: Measurements | None = None,
) -> pd.DataFrame:
    """Measure the objects of a label image, one row an object.

    Columns carry their units: µm, or mm for a spacing in mm or cm, or px without spacing. What
    each of them is, `GROUPS` says.

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
    options : Measurements, optional
        What to measure; otherwise what a single pass over the array finds.

    Returns
    -------
    pandas.DataFrame
        Rows in the order of the ids; column `label` holds the ids of `labels` as given.

    Raises
    ------
    InputError
        If labels, image, spacing and names do not fit each other, or a group does not exist.
    """
    if np.ndim(labels) not in (2, 3):
        raise InputError(
            "Labels of axes (Y, X) or (Z, Y, X) are needed", f"shape {np.shape(labels)}"
        )
    found, ids = as_labels(labels)
    channels = channels_of(image, found.shape)
    endings = endings_of(len(channels), tuple(channel_names))
    size, length = voxel_size(spacing, unit, found.ndim)
    told = options or Measurements()
    objects = Objects(found, ids, channels, tuple(endings), size, length, told)
    return table_of(objects)


def table_of(objects: Objects) -> pd.DataFrame:
    """Return what is to be measured of objects, one row an object."""
    import pandas as pd

    columns: dict[str, NDArray[Any]] = {"label": objects.ids}
    for group in chosen(objects.options.groups):
        columns |= group.columns(objects)
    return pd.DataFrame(columns)


def channels_of(image: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[Any]:
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


def endings_of(count: int, names: tuple[str, ...]) -> list[str]:
    """Return what the names of each channel's columns end with; a repeated name is numbered."""
    if names and count and len(names) != count:
        raise InputError(f"{count} channel names are needed", f"{len(names)}: {', '.join(names)}")
    if not names:
        return [f"_{i}" for i in range(count)] if count > 1 else [""] * count
    return [f"_{n}" if names.count(n) == 1 else f"_{n}_{i}" for i, n in enumerate(names[:count])]


def voxel_size(
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
    name = table_unit(given)
    return size * (LENGTHS[given] / LENGTHS[name]), name
