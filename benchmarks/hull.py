"""Convex hulls of balls and discs: napari-tally beside scikit-image, with the other diameters.

scikit-image's Feret diameter is no smaller than ours: it is that of the hull's pixels, and those on
its edge reach beyond the hull by half a pixel.

Run with `python benchmarks/hull.py [--small]`.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from measure import FULL, SMALL, Scene
from numpy.typing import NDArray
from side_by_side import compare, machine, report
from skimage.measure import regionprops_table

from napari_tally.features.declare.options import Measurements
from napari_tally.features.measure import measure


def by_skimage(labels: NDArray[np.uint16], scene: Scene, *properties: str) -> pd.DataFrame:
    """Return columns of scikit-image's."""
    return pd.DataFrame(regionprops_table(labels, properties=properties, spacing=scene.spacing))


def ours(labels: NDArray[np.uint16], scene: Scene, group: str) -> pd.DataFrame:
    """Return the columns of one group."""
    return measure(labels, None, scene.spacing, "um", options=Measurements(groups=(group,)))


def say_deviations(labels: NDArray[np.uint16], scene: Scene) -> None:
    """Print how far our columns are from scikit-image's."""
    start = time.perf_counter()
    mine = ours(labels, scene, "hull")
    first = time.perf_counter() - start
    theirs = by_skimage(labels, scene, "solidity", "feret_diameter_max")
    print(
        f"{' x '.join(map(str, scene.shape))}, {len(mine):,} objects; our first run {first:.2f} s"
    )
    print(
        f"  solidity: largest deviation {np.abs(mine['solidity'] - theirs['solidity']).max():.1e}"
    )
    ratio = mine["feret_max_um"] / theirs["feret_diameter_max"]
    print(
        f"  feret_max by scikit-image's: {ratio.min():.4f} to {ratio.max():.4f}, "
        f"the same in {np.isclose(ratio, 1, rtol=1e-6).mean():.1%}"
    )


def run(scene: Scene, repeats: int) -> None:
    """Compare on one scene and print what came out."""
    labels, _ = scene.make()
    say_deviations(labels, scene)
    ways = {
        "napari-tally hull": lambda: ours(labels, scene, "hull"),
        "skimage solidity": lambda: by_skimage(labels, scene, "solidity"),
        "skimage feret_diameter_max": lambda: by_skimage(labels, scene, "feret_diameter_max"),
        "napari-tally diameters": lambda: ours(labels, scene, "diameters"),
        "napari-tally thickness": lambda: ours(labels, scene, "thickness"),
    }
    report(compare(ways, repeats))


def main() -> None:
    """Read the options and run all scenes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="small scenes, for a quick check")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(machine("edt", "numba", "pandas", "scikit-image"))
    print("napari-tally hull: convex size, solidity, largest and least Feret diameter")
    for scene in SMALL if options.small else FULL:
        run(scene, options.repeats)


if __name__ == "__main__":
    main()
