"""From maps to objects: our decoders and those of scikit-image, Cellpose and StarDist.

    python benchmarks/decode.py [--divide 1] [--ndim 2 3] [--repeats 3] [--noise 0 0.05 0.1]

Maps of each head are made from simulated truth of touching objects, with the same noise, in 2D and
3D; AP at IoU 0.5 shows that none is fast by being wrong. Specks of fewer than 20 voxels are left
out of all. Where the packages are installed, Cellpose's decoder takes the same flows, and
StarDist's suppression distances along rays with noise in proportion; the latter only in scenes of
a quarter of the length or less along each axis (`--divide 4`): it takes minutes in larger ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
from measure import Scene
from scipy.ndimage import gaussian_filter
from side_by_side import compare, machine
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from napari_tally.heads import Boundary, Center, Distance, Flow
from napari_tally.heads.distance import DISTANCE
from napari_tally.heads.flow import FLOW
from napari_tally.metrics.match import match
from napari_tally.objects.relabel import remove_small

try:
    from cellpose import dynamics
except (ImportError, RuntimeError):  # the latter of a torchvision that does not fit torch
    dynamics = None
try:
    from stardist import nms, rays3d
    from stardist.geometry import dist_to_coord, geom2d, geom3d
except ImportError:
    nms = None

HEADS = (Center(), Distance(), Flow(), Boundary())
SKIMAGE = "peaks + watershed"
SPECK = 20
SCENES = [((4096, 4096), 28, (12, 16)), ((128, 512, 512), 19, (8, 11))]  # shape, step, radii
NOISE = (0.0, 0.05, 0.1, 0.15, 0.2)
RAYS = {2: 32, 3: 96}  # StarDist's defaults
QUARTER = 4  # from which division on StarDist is timed
AMOUNT = {"offset": 10, "flow": 2}  # of noise in channels that are not from 0 to 1
STEPS = 200  # of Cellpose


def noisy(
    head: Center | Distance | Flow | Boundary, labels: np.ndarray, noise: float
) -> np.ndarray:
    """Return the maps of labels with smooth noise as networks make it."""
    rng = np.random.default_rng(0)
    maps = head.encode(labels)
    for name, channel in zip(head.channel_names(labels.ndim), maps, strict=True):
        smooth = gaussian_filter(rng.normal(size=labels.shape), 1)
        amount = AMOUNT.get(name.split()[0])
        channel += (amount or 1) * noise * smooth / smooth.std()
        if amount is None:
            np.clip(channel, 0, 1, out=channel)
    return maps


def peaks_and_watershed(maps: np.ndarray) -> np.ndarray:
    """Return objects as scikit-image's users separate them: peaks of the distance, watershed."""
    mask = maps[0] < 0.5
    distance = gaussian_filter(maps[DISTANCE], 1)
    peaks = peak_local_max(distance, min_distance=3, labels=mask.astype(int), exclude_border=False)
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-distance, seeds, mask=mask)


def cellpose(maps: np.ndarray) -> np.ndarray:
    """Return objects as Cellpose does: steps along the flow, then the places where many end."""
    import torch

    mask = maps[0] < 0.5
    places = np.nonzero(mask)
    ends = dynamics.follow_flows(maps[FLOW:] * mask, places, niter=STEPS)
    found = dynamics.get_masks_torch(ends.to(torch.int), places, mask.shape, max_size_fraction=1)
    return found.astype(np.int32)


def rays(
    labels: np.ndarray, probability: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return StarDist's maps: (noisy) probability, and distances to the border along rays."""
    if labels.ndim == 2:
        along = geom2d.star_dist(labels, RAYS[2], mode="cpp")
    else:
        along = geom3d.star_dist3D(labels, rays3d.Rays_GoldenSpiral(RAYS[3]), mode="cpp")
    rng = np.random.default_rng(0)
    for k in range(along.shape[-1]):
        smooth = gaussian_filter(rng.normal(size=labels.shape), 1)
        along[..., k] *= 1 + noise * smooth / smooth.std()
    return probability, np.maximum(along, 1e-3).astype(np.float32)


def stardist(probability: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return objects as StarDist does, with the thresholds of its models without tuning."""
    shape = probability.shape
    if len(shape) == 2:
        points, scores, kept = nms.non_maximum_suppression(
            along, probability, grid=(1, 1), prob_thresh=0.5, nms_thresh=0.4
        )
        shapes = dist_to_coord(kept, points)
        return geom2d.polygons_to_label_coord(shapes, shape)
    golden = rays3d.Rays_GoldenSpiral(RAYS[3])
    points, scores, kept = nms.non_maximum_suppression_3d(
        along, probability, golden, grid=(1, 1, 1), prob_thresh=0.5, nms_thresh=0.4
    )
    return geom3d.polyhedron_to_label(kept, points, golden, shape, prob=scores, verbose=False)


def ways(labels: np.ndarray, noise: float, *, rayed: bool) -> dict[str, Callable[[], np.ndarray]]:
    """Return the decoders by name, each with its maps."""
    maps = {head.name: noisy(head, labels, noise) for head in HEADS}
    found = {head.name: partial(head.decode, maps[head.name]) for head in HEADS}
    found[SKIMAGE] = partial(peaks_and_watershed, maps["distance"])
    if dynamics is not None:
        found["cellpose"] = partial(cellpose, maps["flow"])
    if nms is not None and rayed:
        found["stardist"] = partial(stardist, *rays(labels, maps["distance"][DISTANCE], noise))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--divide", type=int, default=1, help="length of the scenes by this")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ndim", nargs="*", type=int, default=[2, 3])
    parser.add_argument("--noise", nargs="*", type=float, default=NOISE)
    args = parser.parse_args()
    print(machine("scikit-image", "numba", *(["cellpose", "torch"] if dynamics else [])))
    for full, step, radii in (scene for scene in SCENES if len(scene[0]) in args.ndim):
        shape = tuple(n // args.divide for n in full)
        labels, _ = Scene(shape, step, radii, (1.0,) * len(shape)).make()
        print(f"{shape}, {labels.max():,} objects, {(labels > 0).mean():.0%} of the image")
        for noise in args.noise:
            decoders = ways(labels, noise, rayed=args.divide >= QUARTER)
            seconds = compare(decoders, args.repeats)
            print(f"  noise {noise:.2f}")
            for name, decode in decoders.items():
                ap = match(remove_small(decode(), SPECK), labels, [0.5])[0].ap
                faster = seconds[SKIMAGE] / seconds[name]
                print(
                    f"    {name:<18} {seconds[name]:8.3f} s  AP {ap:.3f}  {faster:6.1f} x as fast"
                )


if __name__ == "__main__":
    main()
