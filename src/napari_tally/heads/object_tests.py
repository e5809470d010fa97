"""Tests of decoded objects against their maps: those that fail are removed as false positives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.label_ids import sizes, without
from .encoding.geodesic_flow import write_flows
from .object_evidence import means

Ids = NDArray[np.int32]
_HALF = 0.5  # of all voxels of objects are in objects of at least the typical size


def confident(labels: Ids, probability: NDArray[np.float32], least: float) -> Ids:
    """Return the objects whose mean foreground probability is at least `least`."""
    return without(labels, np.append(False, _means(labels, probability) < least))


def consistent(labels: Ids, error: NDArray[np.float32], most: float) -> Ids:
    """Return the objects whose mean error, given for each voxel, is at most `most`."""
    return without(labels, np.append(False, _means(labels, error) > most))


def not_tiny(labels: Ids, least: float) -> Ids:
    """Return the objects of at least `least` times the typical size.

    Half of all voxels of objects are in objects of that size or larger; many small false positives
    do not change it, as they would the median.
    """
    size = sizes(labels, int(labels.max(initial=0)))
    size[0] = 0
    ordered = np.sort(size[size > 0])
    if not len(ordered):
        return labels
    typical = ordered[np.searchsorted(np.cumsum(ordered), _HALF * ordered.sum())]
    dropped = size < least * typical
    dropped[0] = False
    return without(labels, dropped)


def flow_error(labels: Ids, flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the squared distance of each voxel's flow to that of its decoded object.

    The flow error of an object is the mean of it, as in Cellpose (Stringer et al., 2021,
    https://doi.org/10.1038/s41592-020-01018-x): 0 for a perfect flow, about 2 for a random one.

    Parameters
    ----------
    flow : ndarray of float32, shape (ndim, *spatial)
        The predicted flow.
    """
    ideal = np.zeros((1, *flow.shape), np.float32)
    write_flows(labels[None], ideal)
    error: NDArray[np.float32] = np.square(ideal[0] - flow).sum(0)
    return error


def offset_error(
    labels: Ids, offsets: NDArray[np.float32], ideal: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the squared distance of each voxel's vote to the centre of its object, in radii.

    Parameters
    ----------
    offsets, ideal : ndarray of float32, shape (ndim, *spatial)
        The predicted vectors to the centre, and those of the decoded objects.
    """
    size = sizes(labels, int(labels.max(initial=0)))
    flat = labels.ndim == 2
    square = size / np.pi if flat else np.cbrt(0.75 * size / np.pi) ** 2
    scale = np.where(size > 0, 1 / np.maximum(square, 1e-6), 0).astype(np.float32)
    error: NDArray[np.float32] = np.square(ideal - offsets).sum(0) * scale[labels]
    return error


def _means(labels: Ids, values: NDArray[np.float32]) -> NDArray[np.float64]:
    return means(labels, values, int(labels.max(initial=0)))
