"""Measure objects: one row per object, one column per measurement."""

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

# Dtypes that are summed without conversion; each is compiled once.
NATIVE = (np.uint8, np.uint16, np.float32, np.float64)


def measure(
    labels: ArrayLike,
    image: ArrayLike | None = None,
    spacing: Sequence[float] | None = None,
    unit: str | None = None,
    channel_names: Sequence[str] = (),
    options: Measurements | None = None,
) -> pd.DataFrame:
    """Measure the objects of a label image, one row per object.

    Column names end in their unit: µm, mm for a spacing in mm or cm, or px without spacing. See
    `GROUPS` for all columns.

    Parameters
    ----------
    labels : array-like, shape (Y, X) or (Z, Y, X)
        Ids, or a mask, whose connected components are measured; see `relabel`.
    image : array-like, optional
        Intensities, of the shape of the labels or with channels first (C, *spatial).
    spacing : sequence of float, optional
        Size of a voxel along each axis, in `unit`.
    unit : str, optional
        Unit of length of the spacing.
    channel_names : sequence of str
        Suffixes of intensity columns. Default: numbers, if there are several channels.
    options : Measurements, optional
        What to measure. Default: the groups that need a single pass over the array.

    Returns
    -------
    pandas.DataFrame
        Rows in the order of the ids; column `label` holds the ids of `labels` as given.

    Raises
    ------
    InputError
        If labels, image, spacing and names do not match, or a group does not exist.
    """
    if np.ndim(labels) not in (2, 3):
        raise InputError(f"Labels must have axes (Y, X) or (Z, Y, X), not shape {np.shape(labels)}")
    own, ids = as_labels(labels)
    channels = channels_of(image, own.shape)
    endings = endings_of(len(channels), tuple(channel_names))
    size, length = voxel_size(spacing, unit, own.ndim)
    objects = Objects(own, ids, channels, tuple(endings), size, length, options or Measurements())
    return table_of(objects)


def table_of(objects: Objects) -> pd.DataFrame:
    """Return the measurements of objects, one row per object."""
    import pandas as pd

    columns: dict[str, NDArray[Any]] = {"label": objects.ids}
    for group in chosen(objects.options.groups):
        columns |= group.columns(objects)
    return pd.DataFrame(columns)


def channels_of(image: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the image as (C, *spatial), in a dtype that loops are compiled for."""
    if image is None:
        return np.empty((0, *shape), np.uint8)
    array = np.asarray(image)
    if array.shape != shape and array.shape[1:] != shape:
        raise InputError(
            f"Image of shape {array.shape} does not match labels of shape {shape}",
            hint="Channels come first: (C, Y, X) or (C, Z, Y, X)",
        )
    if array.dtype.kind not in "buif":
        raise InputError(f"Image values must be real numbers, not {array.dtype}")
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
    """Return the endings of column names per channel; repeated names are numbered."""
    if names and count and len(names) != count:
        raise InputError(f"Image has {count} channels but {len(names)} names: {', '.join(names)}")
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
        raise InputError(f"Spacing needs a unit of length, not {unit!r}", hint="Use 'um' or 'mm'")
    size = np.array(spacing, np.float64)
    if size.shape != (ndim,) or not (np.isfinite(size) & (size > 0)).all():
        raise InputError(f"Spacing must be {ndim} positive, finite numbers, not {spacing}")
    name = table_unit(given, size.tolist())
    return size * (LENGTHS[given] / LENGTHS[name]), name
