"""A stack of 256 x 512 x 512 end to end: seconds of each stage, and peak memory above the input.

    python benchmarks/volume.py [--model nuclei-3d] [--shape 256 512 512]

Once with the maps in memory and once block by block, with the maps in a temporary file. Pages of
that file which the system may drop at any time are not counted as memory of the process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import psutil
from side_by_side import machine

WAYS = {"maps in memory": 1000.0, "block by block": 0.25}  # max_maps_gib
PAUSE_S = 0.01
FIELD, DIAMETER_PX = (64, 128, 128), 16


def stack(shape: tuple[int, ...]) -> np.ndarray:
    """Return simulated nuclei, one field beside the other."""
    from napari_tally.simulate.nuclei import NucleiField

    count = int(0.3 * np.prod(FIELD) / (0.52 * DIAMETER_PX**3))
    field = NucleiField(
        shape=FIELD, spacing_um=(0.5,) * 3, diameter_um=DIAMETER_PX / 2, count=count
    ).draw()[0]
    times = [-(-n // f) for n, f in zip(shape, FIELD, strict=True)]
    return np.ascontiguousarray(np.tile(field, times)[tuple(slice(0, n) for n in shape)])


def run(model: str, shape: tuple[int, ...], limit: float) -> tuple[dict[str, float], int, int]:
    """Return the seconds of each stage, the peak in bytes, and how many objects there are."""
    from napari_tally import load_model, segment

    image, loaded, process = stack(shape), load_model(model), psutil.Process()
    options = {"spacing": "0.5um", "object_size": f"{DIAMETER_PX}px", "max_maps_gib": limit}
    segment(image[:32, :64, :64], loaded, **options)
    before = most = _private(process)
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(PAUSE_S):
            most = max(most, _private(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    result = segment(image, loaded, **options)
    seconds = {**result.seconds, "whole": time.perf_counter() - start}
    done.set()
    watcher.join()
    return seconds, most - before, result.count


def _private(process: psutil.Process) -> int:
    """Return the memory of the process without mapped files."""
    info = process.memory_info()
    return int(info.rss - getattr(info, "shared", 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nuclei-3d")
    parser.add_argument("--shape", type=int, nargs=3, default=(256, 512, 512))
    args = parser.parse_args()
    shape = tuple(args.shape)
    print(machine("torch", "monai"))
    print(
        f"{' x '.join(map(str, shape))}, {args.model}, input {2 * np.prod(shape) / 2**20:.0f} MiB"
    )
    for way, limit in WAYS.items():
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            seconds, peak, count = pool.submit(run, args.model, shape, limit).result()
        print(f"{way}: {count:,} objects, peak {peak / 2**20:,.0f} MiB above the input")
        for stage, value in seconds.items():
            print(f"  {stage:<24} {value:8.1f} s  {100 * value / seconds['whole']:5.1f} %")


if __name__ == "__main__":
    main()
