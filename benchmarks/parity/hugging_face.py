"""Agreement with transformers' own post-processing, on a folder of Hugging Face.

python benchmarks/parity/hugging_face.py FOLDER IMAGE

Runs the network of the folder once and reads its outputs with our reading and with the image
processor of transformers (its version on PIL, which needs no torchvision), at the size of the
input. Prints the share of pixels with the same class, or, for objects, their numbers, the largest
difference of scores and the mean IoU of their masks.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from napari_tally.files import read
from napari_tally.mask_sets.frame import Frame
from napari_tally.models.importing.importing import propose
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.network.runtimes.transformers_families import family_of
from napari_tally.network.runtimes.transformers_runtime import Transformers
from napari_tally.network.runtimes.transformers_weights import load_network


def processor_of(architecture: str) -> Any:
    """Return the image processor of transformers for a class of networks."""
    import transformers

    stem = re.split("For(?=[A-Z])", architecture)[0]
    return getattr(transformers, f"{stem}ImageProcessorPil")()


def compare_classes(processor: Any, outputs: Any, maps: np.ndarray, shape: tuple[int, int]) -> str:
    """Compare the class of each pixel."""
    (theirs,) = processor.post_process_semantic_segmentation(outputs, target_sizes=[shape])
    ours = maps.argmax(axis=0) - (len(maps) - int(outputs.logits.shape[1]))
    return f"{(ours == theirs.numpy()).mean():.5f} of the pixels have the same class"


def compare_objects(processor: Any, outputs: Any, found: Any, shape: tuple[int, int]) -> str:
    """Compare objects, their scores and masks."""
    (theirs,) = processor.post_process_instance_segmentation(
        outputs, threshold=0.5, target_sizes=[shape], return_binary_maps=True
    )
    infos = theirs["segments_info"]
    line = f"{len(found)} objects here, {len(infos)} there"
    if len(found) != len(infos) or not len(found):
        return line
    ious = np.zeros((len(found), len(infos)))
    for row in range(len(found)):
        patch, ours = found.masks.draw(row), np.zeros(shape, bool)
        height, width = patch.mask.shape
        ours[patch.top : patch.top + height, patch.left : patch.left + width] = patch.mask
        for column in range(len(infos)):
            mask = theirs["segmentation"][column].numpy() > 0
            ious[row, column] = (ours & mask).sum() / max(1, (ours | mask).sum())
    rows, columns = linear_sum_assignment(-ious)
    scores = np.array([infos[column]["score"] for column in columns])
    worst = np.abs(scores - found.scores[rows]).max()
    return (
        f"{line}; scores differ by at most {worst:.4f}; mean IoU {ious[rows, columns].mean():.4f}"
    )


def main() -> None:
    """Run the network, read its outputs twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("image", type=Path)
    how = parser.parse_args()
    (architecture,) = json.loads((how.folder / "config.json").read_text())["architectures"]
    runtime = Transformers(architecture=architecture)
    info, family = propose(how.folder, ImportSettings()).info, family_of(architecture)
    image = read(how.image).channels_first()
    image = np.repeat(image[:1], 3, axis=0) if len(image) != 3 else image
    pixels = info.preprocessing.normalizer(image)
    shape = runtime.fit((pixels.shape[1], pixels.shape[2]))
    network = load_network(how.folder)
    with torch.inference_mode():
        tensor = torch.from_numpy(pixels[None])
        tensor = torch.nn.functional.interpolate(tensor, shape, mode="bilinear")
        outputs = network(pixel_values=tensor)
    processor = processor_of(architecture)
    if family.gives == "maps":
        logits = torch.nn.functional.interpolate(outputs.logits, shape, mode="bilinear")
        print(compare_classes(processor, outputs, logits[0].numpy(), shape))
        return
    assert info.reading is not None
    arrays = {name: outputs[name].numpy() for name in family.outputs}
    found = info.reading.read(arrays, Frame.same(shape)).objects
    print(compare_objects(processor, outputs, found, shape))


if __name__ == "__main__":
    main()
