"""A batch: 100 images of 1024 x 1024 px, beside a script of scikit-image alone.

    python benchmarks/batch.py [--images 100]

Prints the sum of each stage when images are segmented one after the other, the time of the batch,
and its ratio to the network's time plus the longest other stage.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from side_by_side import machine

from napari_tally import Volume, write
from napari_tally.core.progress import drain
from napari_tally.files.expand_inputs import InputFile, expand
from napari_tally.segmentation.segment_files import segment_files_steps
from napari_tally.segmentation.setup.options import SegmentOptions
from napari_tally.simulate.nuclei import NucleiField

MOST = 1.15
NETWORK = "network"


def draw(folder: Path, count: int) -> list[InputFile]:
    """Write fields of nuclei."""
    for seed in range(count):
        image, _ = NucleiField(shape=(1024, 1024), count=640, seed=seed).draw()
        write(Volume(image, "YX", (0.5, 0.5), "um"), folder / f"{seed:03}.tif")
    return expand([folder])


def segmented(sources: list[InputFile], folder: Path) -> tuple[float, Counter[str]]:
    """Return the seconds of a run, and of each stage as in the run records."""
    start = time.perf_counter()
    outcomes = drain(segment_files_steps(sources, None, SegmentOptions(), folder))
    total = time.perf_counter() - start
    assert all(outcome.status == "done" for outcome in outcomes)
    stages: Counter[str] = Counter()
    for outcome in outcomes:
        stages.update(json.loads(outcome.outputs.record.read_text())["seconds"])
    stages["read, write and the rest"] = total - sum(stages.values()) + stages.pop("total")
    return total, stages


def one_by_one(sources: list[InputFile], folder: Path) -> tuple[float, Counter[str]]:
    """Segment each file in a run of its own: no two overlap."""
    total, stages = 0.0, Counter[str]()
    for source in sources:
        seconds, found = segmented([source], folder)
        total += seconds
        stages.update(found)
    return total, stages


def with_scikit_image(sources: list[InputFile], folder: Path) -> float:
    """Otsu, distance transform, watershed and region properties, one file after the other."""
    import pandas as pd
    import tifffile
    from scipy.ndimage import distance_transform_edt
    from skimage.feature import peak_local_max
    from skimage.filters import gaussian, threshold_otsu
    from skimage.measure import label, regionprops_table
    from skimage.segmentation import watershed

    folder.mkdir()
    names = ("label", "area", "centroid", "axis_major_length", "eccentricity", "intensity_mean")
    start = time.perf_counter()
    for source in sources:
        image = tifffile.imread(source.path)
        smooth = gaussian(image, 2, preserve_range=True)
        mask = smooth > threshold_otsu(smooth)
        depth = distance_transform_edt(mask)
        seeds = np.zeros(image.shape, np.int32)
        seeds[tuple(peak_local_max(depth, min_distance=7, labels=label(mask)).T)] = 1
        labels = watershed(-depth, label(seeds), mask=mask)
        tifffile.imwrite(folder / f"{source.stem}.tif", labels.astype(np.uint16))
        table = regionprops_table(labels, image, properties=names)
        pd.DataFrame(table).to_csv(folder / f"{source.stem}.csv", index=False)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100)
    count = parser.parse_args().images
    print(machine("torch", "numba", "tifffile", "scikit-image"))
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        sources = draw(here / "images", count)
        segmented(sources[:2], here / "warm")
        single, stages = one_by_one(sources, here / "single")
        total, _ = segmented(sources, here / "batch")
        library = with_scikit_image(sources, here / "library")
    for name, seconds in stages.items():
        print(f"  {name:<34} {seconds:9.2f} s")
    longest = max(seconds for name, seconds in stages.items() if name != NETWORK)
    ratio = total / (stages[NETWORK] + longest)
    verdict = "ok" if ratio <= MOST else f"more than {MOST}"
    print(f"one after the other {single:.1f} s, batch of {count} {total:.1f} s")
    print(f"batch / (network + longest other stage): {ratio:.2f}, {verdict}")
    print(f"scikit-image alone, one after the other: {library:.1f} s")


if __name__ == "__main__":
    main()
