"""Models that return masks or boxes: ONNX graphs with known outputs, and a network that looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from raw_outputs import Outputs, Truth
from scipy.ndimage import label

from napari_tally.heads import Masks
from napari_tally.mask_sets.frame_options import FrameOptions
from napari_tally.mask_sets.readings import Boxes, BoxMasks, Prototypes, Queries, Reading, Stacked
from napari_tally.models.bundle import Model, load_model, save_described
from napari_tally.models.model_info import ModelInfo, Source
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.normalize import Standard
from napari_tally.network.runtimes import Onnx

CLASSES = ("nucleus", "other")
FORMS: dict[str, tuple[Reading, object]] = {
    "queries": (Queries(classes=CLASSES), lambda t: t.queries()),
    **{
        f"prototypes {layout}": (
            Prototypes(layout=layout, overlap_threshold=0.8, classes=CLASSES),
            lambda t, layout=layout: t.yolo(layout),
        )
        for layout in ("v5", "v8", "end_to_end")
    },
    "yolact": (Prototypes(layout="yolact", classes=CLASSES), lambda t: t.yolact()),
    "small masks": (BoxMasks(pasted=False, classes=CLASSES), lambda t: t.box_masks(False)),
    "pasted masks": (BoxMasks(pasted=True, classes=CLASSES), lambda t: t.box_masks(True)),
}


def save_onnx(path: Path, outputs: Outputs, size: tuple[int, ...], channels: int = 1) -> None:
    """Write a graph that returns the same arrays for every image."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, channels, *size))
    nodes, described = [], []
    for name, array in outputs.items():
        value = numpy_helper.from_array(np.ascontiguousarray(array), name)
        nodes.append(helper.make_node("Constant", [], [name], value=value))
        described.append(helper.make_tensor_value_info(name, value.data_type, array.shape))
    graph = helper.make_graph(nodes, "constant", [given], described)
    opsets = [helper.make_opsetid("", 17)]
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def info_of(reading: Reading, size: tuple[int, ...] = (), **changes) -> ModelInfo:
    """Return the description of an imported model."""
    classes = reading.class_names
    preprocessing = changes.get("preprocessing") or Preprocessing(normalizer=Standard())
    count = len(preprocessing.channels)
    fields = {
        "name": "imported",
        "version": "1",
        "description": "A test",
        "licence": "MIT",
        "head": Masks(classes=classes),
        "reading": reading,
        "runtime": Onnx(size=size, multiple=1 if size else 32, in_channels=count),
        "source": Source(format="ONNX", location="a.onnx", sha256="0" * 64),
        "preprocessing": preprocessing,
    }
    return ModelInfo(**fields | changes)


def constant_model(folder: Path, outputs: Outputs, info: ModelInfo) -> Model:
    """Save and load a model that finds the same in every image."""
    assert info.runtime is not None
    channels = len(info.preprocessing.channels)
    save_onnx(folder / info.runtime.file, outputs, info.runtime.size, channels)
    save_described(folder, info)
    return load_model(folder)


def true_model(folder: Path, form: str, truth: Truth, **changes) -> Model:
    """Save and load a model that returns the objects of an image, in one of the forms."""
    reading, outputs = FORMS[form]
    info = info_of(reading, truth.input_shape, **changes)
    return constant_model(folder, outputs(truth), info)


def box_model(folder: Path, truth: Truth, layout: str = "v8", **changes) -> Model:
    """Save and load a model that returns the boxes of the objects of an image."""
    info = info_of(Boxes(layout=layout, classes=CLASSES), truth.input_shape, **changes)
    return constant_model(folder, truth.yolo(layout, masks=False), info)


def panoptic_model(folder: Path, truth: Truth, regions: NDArray, **changes) -> Model:
    """Save and load a model of objects in front of regions: class ids from 1, 0 elsewhere."""
    from raw_outputs import resize

    from napari_tally.mask_sets.readings import ClassMaps

    objects = BoxMasks(classes=CLASSES, outputs=("boxes", "labels", "scores", "masks"))
    maps = ClassMaps(
        classes=("stroma", "lumen"), outputs=("semantic",), activation="none", background="first"
    )
    hot = np.stack([regions == i for i in range(3)]).astype(np.float32)
    grid = tuple(n // 4 for n in truth.input_shape)
    outputs = truth.box_masks(False)
    outputs["semantic"] = resize(hot, (3, *grid), order=1, anti_aliasing=True)[None]
    outputs["semantic"] = outputs["semantic"].astype(np.float32)
    reading = Stacked(parts=(objects, maps))
    return constant_model(folder, outputs, info_of(reading, truth.input_shape, **changes))


class Watching:
    """A session that finds the bright regions of its input, of which it keeps the shapes.

    Objects smaller than `least` or larger than `most` (area, px of the input) are not seen.
    """

    def __init__(self, form: str, least: int = 1, most: float = np.inf, channel: int = 0) -> None:
        self.form, self.least, self.most, self.channel = form, least, most, channel
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, image: NDArray[np.float32]) -> Outputs:
        self.shapes.append(image.shape)
        found, count = label(image[self.channel] > 0.6)
        sizes = np.bincount(found.ravel(), minlength=count + 1)
        sizes[0] = 0
        seen = (sizes >= self.least) & (sizes <= self.most)
        found = np.where(seen[found], found, 0)
        ids = np.unique(found[found > 0])
        masks = np.stack([found == i for i in ids]) if len(ids) else np.zeros((0, *found.shape))
        truth = Truth(masks, zoom=1)
        if self.form == "boxes":
            return truth.yolo("v8", masks=False)
        return FORMS[self.form][1](truth)


def watching_model(folder: Path, session: Watching, size: tuple[int, ...] = (), **changes) -> Model:
    """Save and load a model whose network is a `Watching`."""
    reading = Boxes(classes=CLASSES) if session.form == "boxes" else FORMS[session.form][0]
    fit = "letterbox" if size else "none"
    changes.setdefault(
        "preprocessing",
        Preprocessing(normalizer=Standard(), frame=FrameOptions(fit=fit, size=size, multiple=32)),
    )
    empty = {"output0": np.zeros((1, 1, 1), np.float32)}
    model = constant_model(folder, empty, info_of(reading, size or (64, 64), **changes))
    if not size:
        runtime = model.info.runtime.model_copy(update={"size": (), "multiple": 32})
        model = Model(
            model.info.model_copy(update={"runtime": runtime}), None, (), model.sha256, folder
        )
    model.__dict__["session"] = session
    return model
