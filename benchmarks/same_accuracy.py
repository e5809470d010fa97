"""AP with our tiles, in the precision that is chosen here, beside MONAI's windows in float32.

    python benchmarks/same_accuracy.py --data DIR --split split_val.txt

Only how the network is led over the image differs: the same weights, scale and decoder.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile
import torch
from accuracy import names, table
from monai.inferers import sliding_window_inference
from side_by_side import machine

from napari_tally import load_model, segment
from napari_tally.geometry.resample import resample_image, scaled_shape
from napari_tally.metrics.match import match, mean_ap
from napari_tally.segmentation.collect.decode import decode_labels
from napari_tally.segmentation.maps.network_grid import NetworkGrid

if TYPE_CHECKING:
    from napari_tally.models.bundle import Model


def with_monai(image: np.ndarray, model: Model, scale: float) -> np.ndarray:
    """Return the labels of an image, shape (Y, X), with MONAI's usual windows."""
    info, planes = model.info, image[None]
    normal = info.preprocessing.normalizer(planes, info.preprocessing.normalizer.fit(planes))
    whole = torch.from_numpy(resample_image(normal, scaled_shape(image.shape, scale)))[None]
    with torch.inference_mode():
        output = sliding_window_inference(
            whole, (256, 256), 4, model.network, 0.5, mode="gaussian", padding_mode="reflect"
        )
        maps = info.head.activate(output)[0].numpy()
    return decode_labels(maps, NetworkGrid(image.shape), info.head, info.min_size, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/nuclei-2d"))
    parser.add_argument("--split")
    args = parser.parse_args()
    model, ours, theirs = load_model(), [], []
    for name in names(args.data, args.split):
        image = tifffile.imread(args.data / "images" / name)
        truth = tifffile.imread(args.data / "labels" / name)
        result = segment(image, model)
        ours.append(match(result.labels, truth))
        theirs.append(match(with_monai(image, model, result.scale), truth))
    print(machine("torch", "monai"))
    print(f"{len(ours)} images of {args.data.name} ({args.split or 'all'})")
    print(f"our tiles, precision chosen here\n{table(ours)}")
    print(f"MONAI's windows, float32\n{table(theirs)}")
    apart = np.subtract(mean_ap(ours), mean_ap(theirs))
    print(f"difference: AP50 {apart[0]:+.4f}, mean AP {apart.mean():+.4f}")


if __name__ == "__main__":
    main()
