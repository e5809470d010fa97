"""Measure balls in 3D and discs in 2D: napari-tally's default set beside scikit-image.

Run with `python benchmarks/measure.py [--small]`. scikit-image gives the columns that it has; ours
are more (surface, sphericity, ...). The last scenes are ours alone: is the time a voxel the same
with ten times the objects? One of them has as much border a voxel as the first scene, the other
half as much more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from side_by_side import compare, machine, report
from skimage.measure import regionprops_table

from napari_tally.features.measure import measure

PROPERTIES = (
    "label",
    "area",
    "equivalent_diameter_area",
    "centroid",
    "bbox",
    "axis_major_length",
    "axis_minor_length",
    "intensity_mean",
    "intensity_min",
    "intensity_max",
    "intensity_std",
    "extent",
    "euler_number",
)
FLAT = ("eccentricity", "perimeter_crofton")  # what it has in 2D only


@dataclass(frozen=True)
class Scene:
    """Round objects on a jittered grid, and an image of them with noise."""

    shape: tuple[int, ...]
    step: int
    radii: tuple[float, float]
    spacing: tuple[float, ...]

    def make(self) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
        """Return labels and image, the same ones at each call."""
        random = np.random.default_rng(0)
        labels = np.zeros(self.shape, np.uint16)
        starts = [range(self.step // 2, n - self.step // 2 + 1, self.step) for n in self.shape]
        grid = np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, len(self.shape))
        for number, centre in enumerate(grid + random.uniform(-2, 2, grid.shape), start=1):
            self.draw(labels, centre, random.uniform(*self.radii), number)
        image = np.where(labels > 0, np.float32(200), np.float32(20))
        image += random.standard_normal(self.shape, dtype=np.float32) * 5
        return labels, image

    def draw(
        self, labels: NDArray[np.uint16], centre: NDArray[np.float64], radius: float, number: int
    ) -> None:
        """Draw one ball or disc."""
        box = tuple(slice(max(int(c - radius), 0), int(c + radius) + 2) for c in centre)
        cut = labels[box]
        places = np.indices(cut.shape) + np.array([b.start for b in box]).reshape(
            -1, *[1] * cut.ndim
        )
        distance = ((places - centre.reshape(-1, *[1] * cut.ndim)) ** 2).sum(axis=0)
        cut[distance <= radius**2] = number


FULL = (
    Scene((128, 512, 512), 18, (4, 8), (2.0, 0.5, 0.5)),
    Scene((4096, 4096), 29, (6, 12), (0.5, 0.5)),
)
MANY = (
    Scene((256, 1024, 512), 14, (3, 5), (2.0, 0.5, 0.5)),
    Scene((256, 1024, 512), 14, (4, 6), (2.0, 0.5, 0.5)),
)
SMALL = (
    Scene((48, 128, 128), 18, (4, 8), (2.0, 0.5, 0.5)),
    Scene((512, 512), 29, (6, 12), (0.5, 0.5)),
)


def by_skimage(
    labels: NDArray[np.uint16], image: NDArray[np.floating], scene: Scene
) -> pd.DataFrame:
    """Return scikit-image's table, under our names."""
    flat = FLAT if labels.ndim == 2 else ()
    table = regionprops_table(labels, image, properties=PROPERTIES + flat, spacing=scene.spacing)
    return pd.DataFrame(table).rename(columns=our_names(len(scene.shape)))


def our_names(ndim: int) -> dict[str, str]:
    """Return our column for each of scikit-image's."""
    axes = "zyx"[-ndim:]
    return {
        "area": "area_um2" if ndim == 2 else "volume_um3",
        "equivalent_diameter_area": "equivalent_diameter_um",
        "axis_major_length": "axis_major_length_um",
        "axis_minor_length": "axis_minor_length_um",
        "perimeter_crofton": "perimeter_um",
        **{f"centroid-{i}": f"centroid_{a}_um" for i, a in enumerate(axes)},
        **{f"bbox-{i}": f"bbox_{a}_min_px" for i, a in enumerate(axes)},
        **{f"bbox-{i + ndim}": f"bbox_{a}_max_px" for i, a in enumerate(axes)},
    }


def deviation(ours: pd.DataFrame, theirs: pd.DataFrame) -> float:
    """Return the largest deviation over all of scikit-image's columns, relative above 1."""
    a, b = ours[theirs.columns].to_numpy(float), theirs.to_numpy(float)
    return float((np.abs(a - b) / np.maximum(np.abs(b), 1)).max())


def run(scene: Scene, repeats: int) -> None:
    """Compare on one scene and print what came out."""
    labels, image = scene.make()
    start = time.perf_counter()
    ours = measure(labels, image, scene.spacing, "um")
    first = time.perf_counter() - start
    # scikit-image takes means of float32 values in float32: only in doubles are they comparable.
    theirs = by_skimage(labels, image.astype(np.float64), scene)
    print(f"{' x '.join(map(str, scene.shape))}, {len(ours):,} objects, float32 image")
    print(f"  largest deviation {deviation(ours, theirs):.1e}; our first run {first:.2f} s")
    ways = {
        "napari-tally": lambda: measure(labels, image, scene.spacing, "um"),
        "skimage regionprops_table": lambda: by_skimage(labels, image, scene),
    }
    report(compare(ways, repeats))


def border(labels: NDArray[np.uint16]) -> float:
    """Return the share of the faces between voxels that are border."""
    faces = [np.diff(labels.view(np.int16), axis=axis) for axis in range(labels.ndim)]
    return sum(int(np.count_nonzero(f)) for f in faces) / sum(f.size for f in faces)


def run_alone(scenes: Sequence[Scene], repeats: int) -> None:
    """Measure on scenes, turn by turn, and print the time for each voxel."""
    ways, sizes = {}, []
    for scene in scenes:
        labels, image = scene.make()
        shape = " x ".join(map(str, scene.shape))
        name = f"{shape}, {labels.max():,} objects, {border(labels):.1%} of faces are border"
        ways[name] = partial(measure, labels, image, scene.spacing, "um")
        sizes.append(labels.size)
    for (name, seconds), size in zip(compare(ways, repeats).items(), sizes, strict=True):
        print(f"{name}: {seconds:.3f} s, {1e9 * seconds / size:.2f} ns a voxel")


def main() -> None:
    """Read the options and run all scenes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="small scenes, for a quick check")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(machine("numba", "pandas", "scikit-image"))
    for scene in SMALL if options.small else FULL:
        run(scene, options.repeats)
    if not options.small:
        run_alone((FULL[0], *MANY), options.repeats)


if __name__ == "__main__":
    main()
