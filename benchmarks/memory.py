"""Peak memory of each stage above what is there before it, in bytes a pixel.

    python benchmarks/memory.py [--size 2048]

Each stage runs in a process of its own, beside what users would take instead.
"""

from __future__ import annotations

import argparse
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import psutil
from side_by_side import machine

Work = Callable[[], object]
PAUSE_S = 0.002


def network(size: int) -> Work:
    """Lead the shipped model over an image, with our tiles."""
    from napari_tally import load_model
    from napari_tally.core.progress import drain
    from napari_tally.network.device import choose_device, choose_dtype
    from napari_tally.network.tiled_inference import Inference

    model, device, image = load_model(), choose_device("cpu"), noise(size)
    head, stride = model.info.head, model.architecture.stride
    inference = Inference(model.network, head.activate, stride, device, choose_dtype(device))
    drain(inference.steps(image[:, :256, :256]))
    return lambda: drain(inference.steps(image))


def sliding_window(size: int) -> Work:
    """Lead the shipped model over an image, with MONAI's windows at their usual settings."""
    import torch
    from monai.inferers import sliding_window_inference

    from napari_tally import load_model

    model, image = load_model(), torch.from_numpy(noise(size))[None]

    def work(whole: torch.Tensor = image) -> object:
        with torch.inference_mode():
            maps = sliding_window_inference(
                whole, (256, 256), 4, model.network, 0.5, mode="gaussian"
            )
            return model.info.head.activate(maps)

    work(image[..., :256, :256])
    return work


def decode(size: int) -> Work:
    """Turn maps into objects."""
    from decode import HEAD

    maps = HEAD.encode(scene(size)[0])
    HEAD.decode(maps[:, :64, :64])
    return lambda: HEAD.decode(maps)


def peaks_and_watershed(size: int) -> Work:
    """Turn maps into objects with scikit-image."""
    from decode import HEAD
    from decode import peaks_and_watershed as separate

    maps = HEAD.encode(scene(size)[0])
    separate(maps[:, :64, :64])
    return lambda: separate(maps)


def measure(size: int) -> Work:
    """Measure objects."""
    from napari_tally.features.measure import measure

    labels, image = scene(size)
    measure(labels[:64, :64], image[:64, :64])
    return lambda: measure(labels, image)


def regionprops_table(size: int) -> Work:
    """Measure objects with scikit-image."""
    from measure import PROPERTIES
    from skimage.measure import regionprops_table

    labels, image = scene(size)
    regionprops_table(labels[:64, :64], image[:64, :64], PROPERTIES)
    return lambda: regionprops_table(labels, image, PROPERTIES)


def whole(size: int) -> Work:
    """Segment and measure, from an image in memory to labels and table."""
    from napari_tally import load_model, segment

    image = scene(size)[1]
    model = load_model()
    segment(image[:256, :256], model)
    return lambda: segment(image, model)


STAGES = (network, sliding_window, decode, peaks_and_watershed, measure, regionprops_table, whole)


def noise(size: int) -> np.ndarray:
    """Return an image, shape (1, size, size)."""
    return np.random.default_rng(0).random((1, size, size), np.float32)


def scene(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and an image of discs."""
    from measure import Scene

    return Scene((size, size), 29, (6, 12), (0.5, 0.5)).make()


def peak(stage: Callable[[int], Work], size: int) -> int:
    """Return by how many bytes the process grows at most while a stage works."""
    work, process = stage(size), psutil.Process()
    before = most = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(PAUSE_S):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = work()
    most = max(most, process.memory_info().rss)
    done.set()
    watcher.join()
    del result
    return most - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2048)
    args = parser.parse_args()
    print(machine("torch", "monai", "scikit-image"))
    print(f"{args.size} x {args.size} px")
    for stage in STAGES:
        # A fresh process: what an earlier stage left behind would hide the peak.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            grown = pool.submit(peak, stage, args.size).result()
        print(f"  {stage.__name__:<22} {grown / 2**20:8.0f} MiB  {grown / args.size**2:7.1f} B/px")


if __name__ == "__main__":
    main()
