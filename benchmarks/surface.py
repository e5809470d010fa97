"""Surface areas and perimeters: napari-tally beside scikit-image, how fast and how right.

Run with `python benchmarks/surface.py [--small]`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from measure import FULL, SMALL, Scene
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.special import ellipe, elliprg
from scipy.stats import special_ortho_group
from side_by_side import compare, machine, report
from skimage.measure import marching_cubes, mesh_surface_area, perimeter_crofton, regionprops_table

from napari_tally.features.declare.options import Measurements
from napari_tally.features.measure import measure


def measured(labels: NDArray[np.integer], spacing: tuple[float, ...], group: str) -> NDArray:
    """Return the first column of one group of measurements."""
    options = Measurements(groups=(group,))
    return measure(labels, spacing=spacing, unit="um", options=options).iloc[:, 1].to_numpy()


def surface_of_mesh(mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> float:
    """Return the area of marching cubes around one object."""
    vertices, faces, *_ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5, spacing=spacing)
    return float(mesh_surface_area(vertices, faces))


def surfaces_of_meshes(labels: NDArray[np.integer], spacing: tuple[float, ...]) -> NDArray:
    """Return the areas of marching cubes, object by object."""
    boxes = enumerate(find_objects(labels), start=1)
    return np.array([surface_of_mesh(labels[box] == i, spacing) for i, box in boxes])


@dataclass(frozen=True)
class Shape:
    """An ellipsoid or ellipse, or a box, and the size of the voxels it is drawn on."""

    name: str
    axes: tuple[float, ...]
    spacing: tuple[float, ...]
    turned: bool = True
    box: bool = False

    def border(self) -> float:
        """Return the true area or perimeter."""
        a, b, *c = self.axes
        if self.box:
            return 8 * (a * b + b * c[0] + a * c[0])
        if not c:
            return float(4 * max(a, b) * ellipe(1 - (min(a, b) / max(a, b)) ** 2))
        squares = np.array([a * b, a * c[0], b * c[0]]) ** 2
        return float(4 * np.pi * elliprg(*squares))

    def drawn(self, count: int) -> Iterator[NDArray[np.bool_]]:
        """Yield it at random places between voxels, and turned at random."""
        random, ndim = np.random.default_rng(0), len(self.axes)
        far = np.linalg.norm(self.axes) if self.box else max(self.axes)
        half = np.ceil(far / np.array(self.spacing)).astype(int) + 1
        grid = np.indices(2 * half + 1).reshape(ndim, -1).T - half
        for _ in range(count):
            places = (grid + random.uniform(-0.5, 0.5, ndim)) * self.spacing
            if self.turned:
                places = places @ special_ortho_group.rvs(ndim, random_state=random)
            power = np.inf if self.box else 2
            inside = np.linalg.norm(places / self.axes, power, axis=1) <= 1
            yield inside.reshape(2 * half + 1)


def shapes() -> Iterator[Shape]:
    """Yield all shapes, in voxels of equal sides and of others."""
    for r in (2, 3, 5, 8, 12, 20):
        yield Shape(f"ball {r}", (r,) * 3, (1, 1, 1), turned=False)
    for axes in ((5, 5, 10), (5, 8, 12), (4, 12, 12)):
        yield Shape(f"ellipsoid {axes}", axes, (1, 1, 1))
    yield Shape("box (8, 10, 12), turned", (8, 10, 12), (1, 1, 1), box=True)
    yield Shape("box (8, 10, 12), along the axes", (8, 10, 12), (1, 1, 1), False, True)
    for thick, radii in ((2, (5, 10, 20)), (5, (5, 10, 20))):
        for r in radii:
            yield Shape(f"ball {r}, voxels ({thick}, 1, 1)", (r,) * 3, (thick, 1, 1), turned=False)
    yield Shape("ellipsoid (8, 12, 16), voxels (2, 1, 1)", (8, 12, 16), (2, 1, 1))
    yield Shape("ellipsoid (8, 12, 16), voxels (5, 1, 1)", (8, 12, 16), (5, 1, 1))
    for r in (3, 5, 10, 20):
        yield Shape(f"disc {r}", (r, r), (1, 1), turned=False)
    yield Shape("ellipse (5, 15)", (5, 15), (1, 1))
    yield Shape("ellipse (5, 15), pixels (2, 1)", (5, 15), (2, 1))


def errors(shape: Shape, count: int) -> Iterator[str]:
    """Yield the errors in per cent of both ways, mean and standard deviation."""
    ours, theirs = [], []
    for mask in shape.drawn(count):
        ours.append(measured(mask.astype(np.uint8), shape.spacing, "surface")[0])
        if mask.ndim == 3:
            theirs.append(surface_of_mesh(mask, shape.spacing))
        elif len(set(shape.spacing)) == 1:
            theirs.append(perimeter_crofton(mask, 4))
    for values in filter(None, (ours, theirs)):
        ratio = 100 * (np.array(values) / shape.border() - 1)
        yield f"{ratio.mean():8.2f} ±{ratio.std():6.2f}"


def accuracy(count: int) -> None:
    """Print the table of errors."""
    print(f"error in %, mean ± standard deviation over {count} positions between the voxels;")
    print("beside it marching cubes in 3D, perimeter_crofton in 2D")
    for shape in shapes():
        print(f"  {shape.name:<42}", *errors(shape, count))


def speed(scene: Scene, repeats: int) -> None:
    """Compare times on one scene."""
    labels, _ = scene.make()
    print(f"{' x '.join(map(str, scene.shape))}, {labels.max():,} objects")
    ways = {"napari-tally, surface": lambda: measured(labels, scene.spacing, "surface")}
    if labels.ndim == 3:
        ways["marching cubes, object by object"] = lambda: surfaces_of_meshes(labels, scene.spacing)
    else:
        names = ("perimeter_crofton", "euler_number")
        ways["skimage regionprops_table"] = lambda: regionprops_table(labels, properties=names)
    ways["napari-tally, neighbours"] = lambda: measured(labels, scene.spacing, "neighbours")
    report(compare(ways, repeats))


def main() -> None:
    """Read the options and run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="small scenes, for a quick check")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(machine("numba", "scikit-image", "scipy"))
    for scene in SMALL if options.small else FULL:
        speed(scene, options.repeats)
    accuracy(10 if options.small else 100)


if __name__ == "__main__":
    main()
