"""Ids of objects: consecutive from 1, in the smallest type that holds them."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.connected_components import components
from ..core.errors import InputError
from ..core.label_ids import nearest_ids, renumbered, sizes
from ..core.label_runs import present

logger = logging.getLogger("napari_tally")

_MAX_TABLE = 2**24  # ids up to which a lookup table is used


def relabel(labels: ArrayLike) -> NDArray[np.unsignedinteger[Any]]:
    """Give the objects consecutive ids from 1, in the order of their old ids.

    Parameters
    ----------
    labels : array-like of int, bool or whole float
        Ids of any width, 0 for the background; nearly whole ones, as a file's scaling bends them,
        are rounded. The objects of a mask are its connected components (full connectivity).

    Returns
    -------
    ndarray of uint16 or uint32
        uint16 up to 65,535 objects; the given array itself where nothing changes.

    Raises
    ------
    InputError
        If there are negative ids, fractions or values that are not finite.
    """
    return as_labels(labels)[0]


def remove_small(labels: ArrayLike, min_voxels: int) -> NDArray[np.unsignedinteger[Any]]:
    """Remove objects smaller than `min_voxels` voxels; the others get consecutive ids in order.

    Parameters, result and errors are those of `relabel`.
    """
    return large_objects(labels, min_voxels)[0]


def large_objects(
    labels: ArrayLike, min_voxels: int
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.integer[Any]]]:
    """Return the result of `remove_small` and the original ids: id i + 1 was `ids[i]`."""
    found, ids = as_labels(labels)
    if min_voxels <= 1 or not len(ids):
        return found, ids
    large = sizes(found, len(ids)) >= min_voxels
    large[0] = False
    if large[1:].all():
        return found, ids
    return renumbered(found, _numbers(large)), ids[large[1:]]


def as_labels(
    array: ArrayLike,
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.integer[Any]]]:
    """Return the result of `relabel` and the original ids: id i + 1 was `ids[i]`."""
    import fastremap

    labels = whole_numbers(np.asarray(array))
    ids = ids_of(labels)
    most = int(ids.max(initial=0))  # as a Python integer, since 255 + 1 is 0 in uint8
    if len(ids) < most < _MAX_TABLE:
        occurs = np.zeros(most + 1, np.bool_)
        occurs[ids] = True
        return renumbered(labels, _numbers(occurs)), ids.astype(np.int64)
    ids = ids.astype(np.uint64 if most > np.iinfo(np.int64).max else np.int64)
    if len(ids) and ids[-1] != len(ids):
        old = ids.tolist()
        labels = fastremap.remap(
            labels, {0: 0, **dict(zip(old, range(1, len(old) + 1), strict=True))}
        )
    return np.asarray(labels, smallest(len(ids)), order="C"), ids


def ids_of(labels: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Return the ids above 0 that occur, sorted; none may be negative."""
    import fastremap

    if labels.dtype == np.uint16:
        return present(labels, np.iinfo(np.uint16).max)
    small = labels.dtype in (np.uint32, np.int32)
    if small and (most := int(labels.max(initial=0))) < _MAX_TABLE:
        return present(labels, most)
    ids: NDArray[np.integer[Any]] = fastremap.unique(labels)
    return ids[ids > 0]


def _numbers(chosen: NDArray[np.bool_]) -> NDArray[np.unsignedinteger[Any]]:
    """Number the chosen ids from 1; the others get 0."""
    number = np.cumsum(chosen)
    return np.where(chosen, number, 0).astype(smallest(int(number[-1])))


def smallest(count: int) -> type[np.unsignedinteger[Any]]:
    """Return the smallest dtype for the ids of so many objects."""
    return np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32


def whole_numbers(labels: NDArray[Any], name: str = "labels") -> NDArray[np.integer[Any]]:
    """Return labels of any dtype as non-negative integers in native byte order.

    Ids are kept, but nearly whole ones rounded with a warning; a mask (bool) is split into
    connected components. Raises what `relabel` does; `name` is for messages.
    """
    kind = labels.dtype.kind
    if kind == "b":
        return components(labels)
    if kind not in "uif":
        raise InputError(f"Labels must be whole numbers, not {labels.dtype}")
    if kind == "f":
        labels = _from_floats(labels, name)
    if labels.dtype.kind == "i" and labels.min(initial=0) < 0:
        raise InputError(
            f"Labels must not be negative, but the id {labels.min()} occurs",
            hint="Set negative voxels to 0 (background), or to ids of their own",
        )  # fmt: skip
    return labels.astype(labels.dtype.newbyteorder("="), copy=False)


def _from_floats(labels: NDArray[np.floating[Any]], name: str) -> NDArray[np.int64]:
    found = nearest_ids(labels)
    if found is None:
        raise InputError(
            f"Labels must be whole numbers, but {labels.dtype} values have "
            "fractions or NaN, or are too large",
            hint="An image of intensities is not a label image: segment it first",
        )
    ids, away = found
    if away:
        logger.warning("%s: ids are up to %.2g from whole numbers; they are rounded.", name, away)
    return ids
