"""Tiled inference against the network alone, and against MONAI's sliding windows.

    python benchmarks/inference.py [--size 1024] [--repeats 5]

1. The loop's own cost: our tiles against the bare network on the same windows.
2. Our defaults (mirrored border, halo) against `sliding_window_inference` at its usual settings
   (windows of 256, overlap 0.5, Gaussian weights, float32), in float32 and, where the CPU has units
   for it, in bfloat16.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from side_by_side import compare, machine

from napari_tally import load_model
from napari_tally.core.progress import drain
from napari_tally.network.device import autocast, choose_device, choose_dtype, memory_format
from napari_tally.network.tile_layout import Tiling
from napari_tally.network.tiled_inference import Inference, padded

SLIDING = "MONAI sliding window, float32"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    model = load_model()
    device = choose_device(args.device)
    best, tiling = choose_dtype(device), Tiling()
    image = np.random.default_rng(0).random((1, args.size, args.size), np.float32)
    head, stride = model.info.head, model.architecture.stride
    network = model.network.to(device).to(memory_format=memory_format(2))

    def ours(dtype: torch.dtype) -> Callable[[], object]:
        inference = Inference(network, head.activate, stride, device, dtype, tiling)
        return lambda: drain(inference.steps(image))

    def alone(dtype: torch.dtype) -> None:
        windows = tiling.windows(image.shape[1:], stride)
        source = padded(image, windows)
        with torch.inference_mode(), autocast(device, dtype):
            for window in windows.slices:
                tile = source[(slice(None), *window)][None].to(device)
                head.activate(network(tile.contiguous(memory_format=memory_format(2))).float())

    def monai() -> None:
        with torch.inference_mode():
            whole = torch.from_numpy(image)[None].to(device)
            maps = sliding_window_inference(whole, (256, 256), 4, network, 0.5, mode="gaussian")
            head.activate(maps)

    print(machine())
    for dtype in dict.fromkeys((torch.float32, best)):
        kind = str(dtype).removeprefix("torch.")
        tiles, bare = f"tiles, {kind}", f"network alone, {kind}"
        runs = {tiles: ours(dtype), bare: partial(alone, dtype)}
        seconds = compare(runs, 3 * args.repeats)
        show(seconds, image.size)
        print(f"tiles / network alone, {kind:10} {seconds[tiles] / seconds[bare]:.3f}")
        runs = {SLIDING: monai, tiles: ours(dtype)}
        seconds = compare(runs, args.repeats)
        show(seconds, image.size)
        print(f"MONAI float32 / tiles, {kind:10} {seconds[SLIDING] / seconds[tiles]:.2f}")


def show(seconds: dict[str, float], pixels: int) -> None:
    """Print the seconds and the pixels a second of each way."""
    for title, value in seconds.items():
        print(f"  {title:32} {value:7.3f} s  {pixels / value / 1e6:6.2f} Mpx/s")


if __name__ == "__main__":
    main()
