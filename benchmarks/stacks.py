"""Nuclei of stacks: linked slices and three views of a 2D model, and a 3D model, side by side.

    python benchmarks/stacks.py --data DIR [--models nuclei-2d nuclei-3d]

DIR holds NAME_image.tif and NAME_labels.tif. AP at IoU 0.5 is TP / (TP + FP + FN) on the grid of
the file, through the whole pipeline, with nothing told but the spacing; a second line leaves out
the spacing too. Seconds are the best of the interleaved rounds, without loading the model.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import tifffile
from side_by_side import machine

from napari_tally import load_model, segment
from napari_tally.metrics.match import match

SPACING = {  # um; of worm and embryo8 only the ratio of the axes is known
    "ovule_1135": (0.284, 0.127, 0.127),
    "worm": (2.0, 1.0, 1.0),
    "embryo8": (2.18, 1.0, 1.0),
}
WAYS = {"linked slices": ("nuclei-2d", "link"), "three views": ("nuclei-2d", "views")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/nuclei-3d"))
    parser.add_argument("--model", default="nuclei-3d", help="the 3D model, or its folder")
    parser.add_argument("--names", nargs="*", default=list(SPACING))
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    ways = {**WAYS, args.model: (args.model, "auto")}
    models = {name: load_model(name) for name, _ in ways.values()}
    print(machine("torch", "monai"))
    print(f"{'':28} {'way':16} {'AP50':>6}  TP/FP/FN   seconds")
    for name in args.names:
        image = tifffile.imread(args.data / f"{name}_image.tif")
        truth = tifffile.imread(args.data / f"{name}_labels.tif")
        for spacing in (SPACING[name], None):
            found, seconds = {}, {way: float("inf") for way in ways}
            for _ in range(args.rounds):
                for way, (model, stack) in ways.items():
                    start = time.perf_counter()
                    result = segment(image, models[model], axes="ZYX", spacing=spacing, stack=stack)
                    seconds[way] = min(seconds[way], time.perf_counter() - start)
                    found[way] = match(result.labels, truth, [0.5])[0]
            title = f"{name}, {'no spacing' if spacing is None else 'spacing'}"
            for way, m in found.items():
                counts = f"{m.tp}/{m.fp}/{m.fn}"
                print(f"{title:28} {way:16} {m.ap:6.3f}  {counts:9} {seconds[way]:8.1f}")


if __name__ == "__main__":
    main()
