"""Seconds from a command to its result, in processes of their own with warm caches.

    python benchmarks/startup.py [--repeats 5]

One image of 256 x 256 px with 40 simulated nuclei. For scale: `python -c "import torch"`, and a
script with scikit-image alone that reads, thresholds (Otsu), separates (watershed), measures and
writes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from side_by_side import compare, machine, report

from napari_tally import Volume, write
from napari_tally.simulate.nuclei import NucleiField

TALLY = [sys.executable, "-m", "napari_tally"]
FIRST = """
import numpy as np
import napari_tally
napari_tally.segment(np.load("image.npy"))
"""
SCIKIT_IMAGE = """
import numpy as np
import pandas as pd
import tifffile
from scipy.ndimage import distance_transform_edt
from skimage.feature import peak_local_max
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import label, regionprops_table
from skimage.segmentation import watershed

image = gaussian(tifffile.imread("image.tif").astype(float), 1)
mask = image > threshold_otsu(image)
depth = distance_transform_edt(mask)
peaks = peak_local_max(gaussian(depth, 1), min_distance=5, labels=label(mask))
markers = np.zeros(image.shape, int)
markers[tuple(peaks.T)] = range(1, len(peaks) + 1)
labels = watershed(-depth, markers, mask=mask)
names = ("label", "area", "centroid", "perimeter", "eccentricity", "mean_intensity")
table = regionprops_table(labels, image, properties=names)
tifffile.imwrite("labels.tif", labels.astype("uint16"))
pd.DataFrame(table).to_csv("objects.csv", index=False)
"""


def running(command: list[str], folder: str) -> Callable[[], None]:
    """Return a function that runs a command in a folder."""

    def run() -> None:
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            raise RuntimeError(done.stderr)

    return run


def main() -> None:
    """Print medians, and how many times as long each took as importing torch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    print(machine("torch", "numba", "monai"))
    with tempfile.TemporaryDirectory() as folder:
        pixels, _ = NucleiField(shape=(256, 256), count=40, seed=0).draw()
        write(Volume(pixels, "YX", (0.5, 0.5), "um"), Path(folder) / "image.tif")
        np.save(Path(folder) / "image.npy", pixels)
        commands = {
            'python -c "import torch"': [sys.executable, "-c", "import torch"],
            "tally segment, one image": [
                *TALLY, "segment", "image.tif", "-o", "results", "--overwrite",
            ],
            "Python: the first segment()": [sys.executable, "-c", FIRST],
            "Python: import napari_tally": [sys.executable, "-c", "import napari_tally"],
            "tally --help": [*TALLY, "--help"],
            "tally models": [*TALLY, "models"],
            "tally info": [*TALLY, "info", "image.tif"],
            "scikit-image alone, one image": [sys.executable, "-c", SCIKIT_IMAGE],
        }  # fmt: skip
        ways = {name: running(command, folder) for name, command in commands.items()}
        report(compare(ways, args.repeats))


if __name__ == "__main__":
    main()
