"""Median and percentiles of the intensities of each object.

pandas' `groupby.quantile` takes 1.5 times as long (benchmarks/own_or_library.py), and much more
memory: several copies of 8 bytes per voxel, where this holds the values once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from ..declare.feature import Columns, Cost, Feature, Group, Per

# isort: split
from numba import prange  # after `jit`, which configures numba

if TYPE_CHECKING:
    from ..declare.object_data import Objects

PERCENTILES = (5, 25, 50, 75, 95)


def _distribution(objects: Objects) -> Columns:
    shares = np.array(PERCENTILES) / 100
    found = np.empty((len(objects), len(objects.channels), len(shares)))
    for c in range(len(objects.channels)):
        starts = np.concatenate([[0], np.cumsum(objects.moments.finite[:, c])])
        values = np.empty(int(starts[-1]), objects.channels.dtype)
        _gather(objects.labels.ravel(), objects.channels[c].ravel(), starts[:-1].copy(), values)
        _sort_and_pick(values, starts, shares, found[:, c])
    names = ["median" if p == 50 else f"p{p}" for p in PERCENTILES]
    return {f"intensity_{name}": found[..., i] for i, name in enumerate(names)}


@compiled()
def _gather(
    labels: NDArray[Any], image: NDArray[Any], at: NDArray[np.int64], values: NDArray[Any]
) -> None:
    """Group the finite values by object; `at` is the index of the next value of each."""
    for i in range(len(labels)):
        label = labels[i]
        if label > 0 and np.isfinite(image[i]):
            values[at[label - 1]] = image[i]
            at[label - 1] += 1


@inlined
def _pick(values: NDArray[Any], shares: NDArray[np.float64], found: NDArray[np.float64]) -> None:
    """Write quantiles of sorted values, linearly interpolated as in numpy."""
    last = len(values) - 1
    for k in range(len(shares)):
        if last < 0:
            found[k] = np.nan
            continue
        place = shares[k] * last
        below = int(place)
        above = min(below + 1, last)
        low, high = float(values[below]), float(values[above])
        found[k] = low + (high - low) * (place - below)


@compiled(parallel=True)
def _sort_and_pick(
    values: NDArray[Any],
    starts: NDArray[np.int64],
    shares: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:
    for i in prange(len(starts) - 1):
        own = values[starts[i] : starts[i + 1]]
        own.sort()
        _pick(own, shares, found[i])


DISTRIBUTION = Group(
    "distribution",
    "Intensity percentiles",
    Cost.SOME,
    tuple(
        Feature(
            f"intensity_{'median' if p == 50 else f'p{p}'}",
            "Median intensity" if p == 50 else f"Intensity percentile {p}",
            f"{'Median' if p == 50 else f'Percentile {p}'} of the finite intensities, linearly "
            "interpolated.",
            per=Per.CHANNEL,
            source="numpy.percentile",
        )
        for p in PERCENTILES
    ),
    _distribution,
)
