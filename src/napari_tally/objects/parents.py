"""Assign objects to parents: nuclei to cells, lesions to organs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .relabel import as_labels


def parents_of(
    labels: NDArray[np.integer[Any]], parents: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.integer[Any]], NDArray[np.float64]]:
    """Return the parent that holds most of each object, and how much of it.

    Parameters
    ----------
    labels, parents : ndarray of int, of one shape
        Ids of any width, 0 for the background.

    Returns
    -------
    parent : ndarray of int, shape (n,)
        The parent's id for each object, in the order of the objects' ids; 0 for none, the smaller
        id in case of ties.
    share : ndarray of float64, shape (n,)
        Fraction of the object's voxels in its parent.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    if labels.shape != parents.shape:
        raise InputError(
            f"Parents of shape {parents.shape} do not match labels of shape {labels.shape}"
        )
    inner, inner_ids = as_labels(labels)
    outer, outer_ids = as_labels(parents)
    inside = inner > 0
    width = len(outer_ids) + 1
    pair = inner[inside].astype(np.int64) * width + outer[inside]
    pairs, shared = np.unique(pair, return_counts=True)
    child, parent = np.divmod(pairs, width)
    sizes = np.bincount(child, shared, len(inner_ids) + 1)[1:]
    held = parent > 0
    child, parent, shared = child[held], parent[held], shared[held]
    order = np.lexsort((-parent, shared))  # the last write wins
    best, most = np.zeros(len(inner_ids), np.int64), np.zeros(len(inner_ids))
    best[child[order] - 1] = parent[order]
    most[child[order] - 1] = shared[order]
    ids = np.concatenate([np.zeros(1, outer_ids.dtype), outer_ids])
    return ids[best], most / sizes
