"""From maps to objects: our decoder against `peak_local_max` + `watershed` of scikit-image.

    python benchmarks/decode.py [--small]

Maps are made from simulated truth of touching objects, with noise, in 2D and 3D; AP at IoU 0.5
shows that neither is fast by being wrong. Specks of fewer than 20 voxels are left out of both.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
from measure import Scene
from scipy.ndimage import gaussian_filter
from side_by_side import compare, machine
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from napari_tally.heads.center import DISTANCE, Center
from napari_tally.objects.match import match
from napari_tally.objects.relabel import remove_small

HEAD = Center()
SPECK = 20
SCENES = [((2048, 2048), 28, (12, 16)), ((64, 256, 256), 19, (8, 11))]  # shape, step, radii


def noisy(labels: np.ndarray, noise: float) -> np.ndarray:
    """Return the maps of labels, blurred and with smooth noise as networks make it."""
    rng = np.random.default_rng(0)
    maps = HEAD.encode(labels)
    for channel in maps[: DISTANCE + 1]:
        smooth = gaussian_filter(rng.normal(size=labels.shape), 1)
        channel += noise * smooth / smooth.std()
    for channel in maps[DISTANCE + 1 :]:
        smooth = gaussian_filter(rng.normal(size=labels.shape), 1)
        channel += 10 * noise * smooth / smooth.std()
    np.clip(maps[: DISTANCE + 1], 0, 1, out=maps[: DISTANCE + 1])
    return maps


def peaks_and_watershed(maps: np.ndarray) -> np.ndarray:
    """Return objects as scikit-image's users separate them: peaks of the distance, watershed."""
    mask = maps[0] < 0.5
    distance = gaussian_filter(maps[DISTANCE], 1)
    peaks = peak_local_max(distance, min_distance=3, labels=mask.astype(int), exclude_border=False)
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-distance, seeds, mask=mask)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(machine("scikit-image", "numba"))
    for full, step, radii in SCENES:
        shape = tuple(n // (4 if args.small else 1) for n in full)
        labels, _ = Scene(shape, step, radii, (1.0,) * len(shape)).make()
        print(f"{shape}, {labels.max():,} objects, {(labels > 0).mean():.0%} of the image")
        for noise in (0.0, 0.05, 0.1, 0.15, 0.2):
            maps = noisy(labels, noise)
            ways = {"ours": HEAD.decode, "peaks + watershed": peaks_and_watershed}
            seconds = compare({k: partial(f, maps) for k, f in ways.items()}, args.repeats)
            found = {k: remove_small(f(maps), SPECK) for k, f in ways.items()}
            ap = {k: match(f, labels, [0.5])[0].ap for k, f in found.items()}
            ratio = seconds["peaks + watershed"] / seconds["ours"]
            words = ", ".join(f"{k} {seconds[k]:.3f} s AP {ap[k]:.3f}" for k in ways)
            print(f"  noise {noise:.2f}: {words}; {ratio:.1f} times faster")


if __name__ == "__main__":
    main()
