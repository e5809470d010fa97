"""What we compute ourselves beside the library that could: the figures that decide.

Run with `python benchmarks/own_or_library.py [NAMES...]`, such as `eigen` or `hull`.
"""

from __future__ import annotations

import argparse

import fastremap
import numpy as np
import pandas as pd
from measure import FULL, Scene
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, KDTree
from side_by_side import compare, machine, report
from skimage.segmentation import find_boundaries

from napari_tally.core.jit import compiled
from napari_tally.features.declare.object_data import Objects
from napari_tally.features.declare.options import Measurements
from napari_tally.features.groups import colocalization, distribution, shape
from napari_tally.features.kernels import hull_3d, quickhull
from napari_tally.features.kernels.border_voxels import border_voxels
from napari_tally.features.kernels.nearest_gaps import nearest_gaps
from napari_tally.features.kernels.row_extents import rows_in_batches
from napari_tally.figures.overlay import outlines
from napari_tally.metrics.overlaps import overlaps

BALLS, DISCS = FULL
LARGE = Scene((256, 512, 512), 128, (40, 60), (2.0, 0.5, 0.5))
SOME = Scene((64, 256, 256), 18, (4, 8), (2.0, 0.5, 0.5))


def objects_of(scene: Scene, channels: int = 0) -> Objects:
    """Return the objects of a scene, with its image in each channel."""
    labels, image = scene.make()
    stack = np.stack([image * (i + 1) for i in range(channels)] or [image])[:channels]
    names = tuple(f"_{i}" for i in range(channels))
    ids = np.arange(1, int(labels.max()) + 1)
    return Objects(labels, ids, stack, names, np.array(scene.spacing), "um", Measurements())


def eigen() -> None:
    """Principal axes in the plane: the closed form beside LAPACK."""
    objects = objects_of(DISCS)
    matrices = objects.covariance * np.outer(objects.size, objects.size)
    print(f"principal axes of {len(matrices):,} objects in 2D")
    ways = {
        "ours": lambda: shape.principal(objects.covariance, objects.size),
        "numpy.linalg.eigh": lambda: np.linalg.eigh(matrices),
    }
    report(compare(ways, 7))


def hull() -> None:
    """Convex hulls of many small objects and of few large ones, from the same points."""
    for scene in (BALLS, LARGE):
        points = hull_points(objects_of(scene))
        print(f"hulls of {len(points):,} objects, {np.mean([*map(len, points)]):,.0f} points each")
        ways = {
            "ours, on one core": lambda points=points: [one_hull(p) for p in points],
            "scipy.spatial.ConvexHull": lambda points=points: [ConvexHull(p) for p in points],
        }
        report(compare(ways, 3))


def hull_points(objects: Objects) -> list[NDArray[np.int64]]:
    """Return the points from which the hull of each object is made."""
    moments = objects.moments
    return [
        some_points(rows.ends[start : start + depth * height], int(depth))
        for rows in rows_in_batches(objects.stack, moments.low, moments.high)
        for start, (depth, height, _) in zip(rows.starts, rows.shape, strict=True)
    ]


@compiled()
def some_points(ends: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """Return the points of one object."""
    return hull_3d.hull_points(ends, depth)


@compiled()
def one_hull(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the faces of its hull."""
    return quickhull.convex_hull(points)[0]


def gaps() -> None:
    """The gap to the nearest other object: a tree of boxes beside a tree of points.

    The k-d tree measures from centre to centre, and not from border to border.
    """
    for scene in (SOME, DISCS):
        objects = objects_of(scene)
        touching = np.zeros(len(objects), np.int64)
        print(f"gaps between {len(objects):,} objects, {' x '.join(map(str, scene.shape))}")
        ways = {
            "ours": lambda o=objects, t=touching: nearest_gaps(o.stack, o.voxel, t),
            "scipy.spatial.KDTree": lambda o=objects: gaps_of_centres(o),
        }
        report(compare(ways, 3))


def gaps_of_centres(objects: Objects) -> NDArray[np.float64]:
    """Return the least distance from a border voxel to that of another object, by a k-d tree."""
    places, owners = border_voxels(objects.stack, len(objects))
    points = places * objects.voxel
    tree, best = KDTree(points), np.full(len(objects) + 1, np.inf)
    left, count = np.arange(len(points)), 16
    while len(left) and count < len(points):
        distance, found = tree.query(points[left], count, workers=-1)
        other = owners[found] != owners[left, None]
        first, known = other.argmax(axis=1), other.any(axis=1)
        np.minimum.at(best, owners[left[known]], distance[known, first[known]])
        left, count = left[~known & (distance[:, -1] < best[owners[left]])], 4 * count
    return best[1:]


def percentiles() -> None:
    """Percentiles of the intensities in each object."""
    objects = objects_of(BALLS, 1)
    inside = objects.labels > 0
    print(f"five percentiles in {len(objects):,} objects")
    shares = [p / 100 for p in distribution.PERCENTILES]
    ways = {
        "ours": lambda: distribution.DISTRIBUTION.columns(objects),
        "pandas groupby.quantile": lambda: (
            pd.Series(objects.channels[0][inside]).groupby(objects.labels[inside]).quantile(shares)
        ),
    }
    report(compare(ways, 3))


def products() -> None:
    """Sums of two channels in each object, for Pearson's correlation."""
    objects = objects_of(BALLS, 2)
    labels, n = objects.labels.ravel(), len(objects)
    a, b = (channel.ravel() for channel in objects.channels)

    def library() -> list[NDArray[np.float64]]:
        inside = np.flatnonzero((labels > 0) & np.isfinite(a) & np.isfinite(b))
        own, x, y = labels[inside], a[inside].astype(float), b[inside].astype(float)
        weights = (None, x, y, x * x, y * y, x * y)
        return [np.bincount(own, w, minlength=n + 1) for w in weights]

    print(f"correlation of two channels in {n:,} objects")
    report(
        compare(
            {"ours": lambda: colocalization._pearson(labels, a, b, n), "numpy.bincount": library}, 5
        )
    )


def pairs() -> None:
    """Voxels that each pair of objects of two label images shares."""
    for scene in (BALLS, DISCS):
        labels, _ = scene.make()
        moved = np.roll(labels, 2, axis=-1)

        def library(labels=labels, moved=moved) -> tuple[NDArray[np.uint64], ...]:
            joined = labels.astype(np.uint64) << np.uint64(32) | moved
            return fastremap.unique(joined, return_counts=True)

        print(f"overlaps of {labels.max():,} objects, {' x '.join(map(str, scene.shape))}")
        ways = {"ours": lambda a=labels, b=moved: overlaps(a, b), "fastremap.unique": library}
        report(compare(ways, 5))


def edges() -> None:
    """Outlines of objects for a picture."""
    labels, _ = DISCS.make()
    same = (outlines(labels) == find_boundaries(labels, connectivity=1, mode="inner")).all()
    print(f"outlines of {labels.max():,} objects; the same: {same}")
    ways = {
        "ours": lambda: outlines(labels),
        "skimage find_boundaries": lambda: find_boundaries(labels, connectivity=1, mode="inner"),
    }
    report(compare(ways, 5))


def main() -> None:
    """Read the names and run."""
    every = {f.__name__: f for f in (eigen, hull, gaps, percentiles, products, pairs, edges)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(every))
    print(machine("numba", "pandas", "scikit-image", "scipy"))
    for name in parser.parse_args().names or every:
        every[name]()


if __name__ == "__main__":
    main()
