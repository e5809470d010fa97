"""Neighbours: contacts, distance to the nearest object and local density."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..declare.feature import Columns, Cost, Feature, Group
from ..kernels.contacts import contacts
from ..kernels.crofton_weights import border_weights
from ..kernels.nearest_gaps import nearest_gaps

if TYPE_CHECKING:
    from ..declare.object_data import Objects

_NEAREST = 5  # neighbouring centroids from which density is estimated
_SINGLE = "NaN for a single object."
_DENSITY = (
    "Number of centroids closer than the fifth nearest neighbour (four) per {} of the {} with that "
    "radius: unbiased for randomly placed objects, too low near the image border. With fewer than "
    "five neighbours the farthest defines the radius; NaN with fewer than two."
)
_POLLARD = "Pollard, 1971, Biometrics 27, 991-1002"


def _neighbours(objects: Objects) -> Columns:
    n = len(objects)
    pairs, counts = contacts(objects.labels, n)
    number, lowest = _touching(pairs, n)
    shared = counts @ border_weights(tuple(objects.size.tolist())) / 2
    gaps, nearest = nearest_gaps(objects.stack, objects.voxel, lowest)
    given = np.zeros(n + 1, objects.ids.dtype)
    given[1:] = objects.ids
    distances = _to_centroids(objects.centroid)
    return {
        "touching_neighbours": number,
        "contact_length" if objects.ndim == 2 else "contact_area": np.maximum(shared, 0),
        "nearest_neighbour": given[nearest],
        "nearest_neighbour_distance": gaps,
        "nearest_centroid_distance": distances[:, 0],
        "local_density": _density(distances, objects.ndim),
    }


def _touching(pairs: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of objects that each one touches, and their lowest id (or 0)."""
    own, other = np.concatenate([pairs, pairs[:, ::-1]]).T
    number = np.bincount(own, minlength=n + 1)[1:]
    lowest = np.full(n + 1, n + 1)
    np.minimum.at(lowest, own, other)
    return number, np.where(number > 0, lowest[1:], 0)


def _to_centroids(centroid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances to the nearest other centroids, shape (n, 1 to 5); NaN if none."""
    others = min(_NEAREST, len(centroid) - 1)
    if others < 1:
        return np.full((len(centroid), 1), np.nan)
    from scipy.spatial import KDTree

    # The first is the object itself (or one with the same centroid), at distance 0.
    distances = KDTree(centroid).query(centroid, range(2, others + 2))[0]
    return np.asarray(distances, np.float64)


def _density(distances: NDArray[np.float64], ndim: int) -> NDArray[np.float64]:
    """Return the number of centroids nearer than the last one, per area or volume."""
    nearer, radius = distances.shape[1] - 1, distances[:, -1]
    around = (np.pi if ndim == 2 else 4 / 3 * np.pi) * radius**ndim
    known = (around > 0) & (nearer > 0)  # centroids may coincide
    out = np.full(len(radius), np.nan)
    out[known] = nearer / around[known]
    return out


NEIGHBOURS = Group(
    "neighbours",
    "Neighbours",
    Cost.SOME,
    (
        Feature(
            "touching_neighbours",
            "Touching neighbours",
            "Number of other objects that share a face, an edge or a corner with the object.",
        ),
        Feature(
            "contact_length",
            "Contact length",
            "Length of the border shared with other objects; shared and free border add up to the "
            "perimeter.",
            1,
            ndim=(2,),
        ),
        Feature(
            "contact_area",
            "Contact area",
            "Area of the border shared with other objects; shared and free border add up to the "
            "surface area.",
            2,
            ndim=(3,),
        ),
        Feature(
            "nearest_neighbour",
            "Nearest neighbour",
            "Label of the nearest other object, from border to border; the lowest label in case of "
            "ties, 0 for a single object.",
        ),
        Feature(
            "nearest_neighbour_distance",
            "Nearest-neighbour distance",
            f"Shortest distance from border to border: 0 for touching objects. {_SINGLE}",
            1,
        ),
        Feature(
            "nearest_centroid_distance",
            "Nearest centroid distance",
            f"Distance between centroids. {_SINGLE}",
            1,
        ),
        Feature(
            "local_density",
            "Local density",
            _DENSITY.format("area", "disc"),
            -2,
            ndim=(2,),
            source=_POLLARD,
        ),
        Feature(
            "local_density",
            "Local density",
            _DENSITY.format("volume", "ball"),
            -3,
            ndim=(3,),
            source=_POLLARD,
        ),
    ),
    _neighbours,
    independent=False,
)
