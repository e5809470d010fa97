"""Do we find what Ultralytics finds with its own exports? Version 8 to 26, all layouts.

Networks of random weights, whose last layers are made to fire, are exported to ONNX by Ultralytics
and run by its `YOLO(...).predict`; we import the same files. Needs an environment of its own, since
Ultralytics is AGPL and would replace torch::

    pip install napari-tally[onnx]
    pip install --no-deps ultralytics ultralytics-thop opencv-python-headless py-cpuinfo torchvision

Run with `python benchmarks/parity/yolo_ultralytics.py`. The images have the width of the input, so
that both programs see the same pixels.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ |= {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}

import cv2
import numpy as np
import skimage.data
import torch
import ultralytics
from compare_masks import Objects, compared, line
from skimage.transform import resize

from napari_tally.models.bundle import load_model
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.segmentation.masks.framed_input import framed_input

SIZE, HEIGHTS = 320, (320, 240, 213)
EXPORTS = (
    ("yolov8n-seg", {}), ("yolov8n-seg", {"dynamic": True}), ("yolo11n-seg", {}),
    ("yolo12n-seg", {}), ("yolov9c-seg", {}), ("yolo26n-seg", {}), ("yolo26n-seg", {"nms": False}),
    ("yolov5n", {}), ("yolov8n", {}), ("yolov10n", {"nms": False}),
    ("yolo26n", {"nms": False}),
)  # fmt: skip


def main() -> None:
    """Print one line per export."""
    print(f"Ultralytics {ultralytics.__version__}")
    folder = Path(tempfile.mkdtemp())
    os.environ["TALLY_MODELS"] = str(folder / "models")
    os.chdir(folder)
    pairs = zip(photographs(), HEIGHTS, strict=True)
    images = [as_wide(image, SIZE, height) for image, height in pairs]
    for number, (name, options) in enumerate(EXPORTS):
        path = exported(name, options, number)
        proposal = propose(path, ImportSettings(model_name=f"model-{number}"))
        model = load_model(save_proposal(proposal).name)
        print(f"{name} {options or ''}: {proposal.understood[0]}")
        theirs = ultralytics.YOLO(path, task="segment" if "seg" in name else "detect")
        for image in images:
            own, other = ours(model, image), of_ultralytics(theirs, image)
            print("  " + line(f"{image.shape[1]} x {image.shape[0]}", compared(own, other)))


def photographs() -> list[np.ndarray]:
    """Return images in colour."""
    return [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.immunohistochemistry()]


def as_wide(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return an 8-bit image of that size."""
    return np.round(resize(image[..., :3], (height, width)) * 255).astype(np.uint8)


def exported(name: str, options: dict[str, object], number: int) -> Path:
    """Export a network of random weights."""
    torch.manual_seed(number)
    model = ultralytics.YOLO(f"{name}.yaml")
    network, head = model.model, model.model.model[-1]
    with torch.no_grad():
        for layer, values in head.named_parameters():
            scores, masks = "cv3" in layer, "cv4" in layer
            if ".2.weight" in layer and (scores or masks):
                values.normal_(std=(3.0 if scores else 1.0) / values[0].numel() ** 0.5)
            if ".2.bias" in layer and scores:
                values.fill_(-8.0)
        for layer in network.modules():  # features of the size that trained networks have
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None
        stack = np.stack([as_wide(image, SIZE, SIZE) for image in photographs()])
        network.train()(torch.from_numpy(np.moveaxis(stack, -1, 1) / np.float32(255)))
        network.eval()
    path = model.export(format="onnx", imgsz=SIZE, simplify=False, opset=17, **options)
    target = Path(f"{number}.onnx")
    Path(path).rename(target)
    return target.absolute()


def ours(model, image: np.ndarray) -> Objects:
    """Return what we find, before overlaps are resolved."""
    preprocessing = model.info.preprocessing
    options, normalizer = preprocessing.frame, preprocessing.normalizer
    frame = options.frame(image.shape[:2])
    planes = np.moveaxis(image, -1, 0)
    limits = normalizer.fit(planes)
    border = normalizer.border(options.pad_value, len(planes))
    values = framed_input(planes, frame, lambda part: normalizer(part, limits), border)
    found = model.info.reading.read(model.session(values), frame).objects
    if found.masks is None:
        return Objects(boxes_as_masks(found.boxes, found.shape), found.classes - 1, found.scores)
    return Objects.ours(found)


def of_ultralytics(model, image: np.ndarray) -> Objects:
    """Return what Ultralytics finds."""
    (found,) = model.predict(
        cv2.cvtColor(image, cv2.COLOR_RGB2BGR), imgsz=SIZE, conf=0.25, iou=0.7, max_det=30_000,
        retina_masks=True, verbose=False,
    )  # fmt: skip
    classes, scores = found.boxes.cls.numpy().astype(int), found.boxes.conf.numpy()
    if found.masks is None:
        boxes = found.boxes.xyxy.numpy()[:, [1, 0, 3, 2]]
        return Objects(boxes_as_masks(boxes, image.shape[:2]), classes, scores)
    return Objects(found.masks.data.numpy().astype(bool), classes, scores)


def boxes_as_masks(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return filled boxes, to compare boxes as masks."""
    masks = np.zeros((len(boxes), *shape), bool)
    for mask, (y0, x0, y1, x1) in zip(masks, np.rint(boxes).astype(int), strict=True):
        mask[max(y0, 0) : y1, max(x0, 0) : x1] = True
    return masks


if __name__ == "__main__":
    main()
