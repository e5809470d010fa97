"""ONNX files become models: what is understood of them, and what they find afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_onnx
from raw_outputs import Truth, discs

from napari_tally import segment
from napari_tally.mask_sets.readings import Boxes, ClassMaps, Prototypes
from napari_tally.models.bundle import load_model
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.known_classes import COCO, COCO_90
from napari_tally.models.importing.proposal import ImportSettings, Proposal
from napari_tally.network.normalize import Standard, ZScore

SHAPE = (48, 64)
DISCS = [(12, 12), (30, 20), (24, 50)]


@pytest.fixture
def truth() -> Truth:
    return Truth(discs(SHAPE, DISCS, 8), zoom=2, classes=np.array([0, 1, 1]))


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))


def imported(path, **settings) -> Proposal:
    return propose(path, ImportSettings(**settings))


def said(proposal: Proposal) -> str:
    return "; ".join(proposal.understood)


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        ("v8", "N boxes with 32 coefficients and 2 classes: YOLOv8 or later"),
        ("v5", "boxes with 32 coefficients and 2 classes: YOLOv5, YOLOv7 or YOLOR"),
        ("end_to_end", "8 boxes with 32 coefficients and 2 classes: YOLO, end to end"),
    ],
)
def test_ultralytics_is_read_from_metadata_and_shapes(tmp_path, truth, layout, sentence) -> None:
    metadata = {
        "task": "segment", "names": "{0: 'disc', 1: 'other'}", "stride": "32",
        "imgsz": "[96, 128]", "license": "AGPL-3.0", "author": "Ultralytics", "version": "8.4.1",
        "description": "Ultralytics YOLO model trained on discs.yaml",
    }  # fmt: skip
    outputs = truth.yolo(layout)
    path = tiny_onnx.constant(tmp_path / "a.onnx", outputs, (1, 3, 96, 128), metadata)
    found = imported(path)
    count = str(max(outputs["output0"].shape[1:])) if layout == "v8" else ""
    assert sentence.replace("N", f"{int(count or 0):,}", 1 if count else 0) in said(found)
    assert "RGB, 96 x 128 px, letterbox, 0 to 1" in said(found)
    assert found.warnings == ()
    info = found.info
    assert info.licence == "AGPL-3.0" and "8.4.1" in found.card
    assert info.description.endswith("discs.yaml")
    assert info.reading.classes == ("disc", "other") == info.head.classes
    assert info.preprocessing.channels == ("red", "green", "blue")
    assert info.preprocessing.frame.pad_value == 114
    model = load_model(save_proposal(found).name)
    frame = info.preprocessing.frame.frame(SHAPE)
    raw = model.session(np.zeros((3, 96, 128), np.float32))
    objects = model.info.reading.read(raw, frame).objects
    assert sorted(objects.classes) == [1, 2, 2]


def test_80_classes_without_names_are_those_of_coco(tmp_path, truth) -> None:
    path = tiny_onnx.constant(tmp_path / "a.onnx", truth.yolo("v5", classes=80), (1, 3, 96, 128))
    found = imported(path)
    assert found.info.reading.classes == COCO
    assert found.info.source.trained_on == "photographs (COCO, 80 classes)"
    assert "those of photographs (COCO, 80 classes) are assumed" in " ".join(found.warnings)
    assert "states no licence" in " ".join(found.warnings)
    assert COCO_90[89] == "toothbrush" and COCO_90[12] == "stop sign"


def test_one_class_of_v5_is_not_the_end_to_end_form(tmp_path) -> None:
    rows = np.zeros((1, 1575, 5 + 1 + 32), np.float32)
    outputs = {"output0": rows, "output1": np.zeros((1, 32, 40, 40), np.float32)}
    found = imported(tiny_onnx.constant(tmp_path / "a.onnx", outputs, (1, 3, 160, 160)))
    assert isinstance(found.info.reading, Prototypes) and found.info.reading.layout == "v5"


def test_yolact_mask_rcnn_and_queries_are_prepared_as_their_families_do(tmp_path, truth) -> None:
    def of(name, outputs, **kwargs):
        found = imported(tiny_onnx.constant(tmp_path / f"{name}.onnx", outputs, (1, 3, 96, 128)))
        return found, found.info.preprocessing

    found, ready = of("yolact", truth.yolact())
    assert "YOLACT" in said(found) and ready.frame.fit == "stretch"
    assert ready.normalizer.mean[0] == pytest.approx(123.68)
    found, ready = of("detectron", truth.box_masks(False))
    assert "28 x 28 in each box: Mask R-CNN" in said(found)
    assert ready.channels == ("blue", "green", "red") and ready.normalizer == Standard(scale=1)
    found, ready = of("torchvision", truth.box_masks(True))
    assert "of the size of the image: Mask R-CNN" in said(found)
    assert ready.normalizer == Standard()
    found, ready = of("mask2former", truth.queries())
    assert "queries with masks and 2 classes" in said(found)
    assert ready.frame.fit == "stretch" and ready.normalizer.mean[0] == pytest.approx(0.485)


def test_boxes_alone_are_boxes(tmp_path, truth) -> None:
    outputs = truth.yolo("v8", classes=80, masks=False)
    found = imported(tiny_onnx.constant(tmp_path / "a.onnx", outputs, (1, 3, 96, 128)))
    assert isinstance(found.info.reading, Boxes) and "without masks" in said(found)


def test_boxes_and_maps_of_regions_are_stacked(tmp_path, truth) -> None:
    truth.classes[:] = 0
    outputs = {"det_out": truth.yolo("v5", classes=1, masks=False)["output0"]}
    outputs["drive_area_seg"] = np.zeros((1, 2, 96, 128), np.float32)
    outputs["lane_line_seg"] = np.zeros((1, 2, 96, 128), np.float32)
    found = imported(tiny_onnx.constant(tmp_path / "a.onnx", outputs, (1, 3, 96, 128)))
    assert found.info.reading.name == "stacked"
    assert found.info.reading.class_names == ("object", "drive_area_seg", "lane_line_seg")
    assert "maps of regions (drive_area_seg, lane_line_seg)" in said(found)


@pytest.mark.parametrize(
    ("shape", "dtype", "threshold"),
    [
        ((1, 1, "h", "w"), "float32", 1.0),
        ((1, "h", "w", 1), "float32", 1.0),
        ((1, 1, 64, 64), "float16", 1.0),
        ((1, 1, 48, 96), "float64", 1.0),
        ((2, 1, 64, 64), "float32", 1.0),
        ((1, 1, "h", "w"), "uint8", 100.0),
        ((1, 3, "h", "w"), "float32", 1.0),
    ],
)
def test_a_class_map_finds_the_discs_whatever_its_input(tmp_path, shape, dtype, threshold) -> None:
    path = tiny_onnx.bright(tmp_path / "discs.onnx", shape, dtype=dtype, threshold=threshold)
    found = imported(path, classes=("disc",))
    name = save_proposal(found).name
    image = discs((90, 150), [(20, 20), (50, 70), (60, 120)], 9).any(0).astype(np.uint8) * 200
    result = segment(image, name, separate=True)
    assert result.labels.max() == 3
    assert np.array_equal(result.labels > 0, image > 0)


def test_a_class_map_in_3d(tmp_path) -> None:
    path = tiny_onnx.bright(tmp_path / "a.onnx", (1, 1, 16, 32, 48), threshold=1)
    found = imported(path)
    assert "3D" in said(found)
    tiling = found.info.preprocessing.tiling
    assert tiling.tiles == (16, 32, 48) and tiling.exact
    image = np.zeros((24, 50, 60), np.uint8)
    image[3:9, 5:20, 5:20] = image[12:20, 25:44, 30:55] = 200
    result = segment(image, save_proposal(found).name, separate=True)
    assert result.labels.max() == 2
    assert np.array_equal(result.labels > 0, image > 0)


def test_a_network_that_ends_in_probabilities_gets_no_second_activation(tmp_path) -> None:
    reading = imported(tiny_onnx.bright(tmp_path / "a.onnx")).info.reading
    assert isinstance(reading, ClassMaps) and reading.activation == "none"
    reading = imported(tiny_onnx.bright(tmp_path / "b.onnx", last="Identity")).info.reading
    assert reading.activation == "sigmoid"


def test_a_map_at_a_quarter_of_the_resolution_covers_the_image(tmp_path) -> None:
    from onnx import helper

    nodes = [helper.make_node("AveragePool", ["x"], ["low"], kernel_shape=[4, 4], strides=[4, 4]),
             helper.make_node("Concat", ["nothing", "low"], ["logits"], axis=1)]  # fmt: skip
    nodes.insert(1, helper.make_node("Sub", ["low", "low"], ["nothing"]))
    path = tiny_onnx.graph(
        tmp_path / "a.onnx", nodes, {"x": (1, 1, "h", "w")}, {"logits": (1, 2, "a", "b")}
    )
    found = imported(path)
    assert found.info.runtime.multiple == 4
    image = np.zeros((96, 128), np.float32)
    image[16:48, 32:64] = 1
    result = segment(image, save_proposal(found).name)
    assert abs(int(np.count_nonzero(result.classes.array)) - 32 * 32) < 150


def test_numbers_of_classes_are_class_maps(tmp_path) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("Neg", ["x"], ["dark"]),
        helper.make_node("Concat", ["dark", "x"], ["logits"], axis=1),
        helper.make_node("ArgMax", ["logits"], ["numbers"], axis=1, keepdims=0),
    ]
    path = tiny_onnx.graph(
        tmp_path / "a.onnx", nodes, {"x": (1, 1, 64, 64)}, {"numbers": (1, 64, 64)},
        dtypes={"numbers": "int64"},
    )  # fmt: skip
    found = imported(path)
    assert "Numbers of 1 class in 2D" in said(found)
    image = discs((64, 64), [(30, 30)], 9).any(0).astype(np.float32)
    result = segment(image, save_proposal(found).name, separate=True)
    assert np.array_equal(result.labels > 0, image > 0)


def test_of_several_maps_the_first_of_the_largest_counts(tmp_path) -> None:
    arrays = {f"d{i}": np.zeros((1, 1, 64 // s, 64 // s), np.float32)
              for i, s in enumerate((1, 1, 2, 4))}  # fmt: skip
    found = imported(tiny_onnx.constant(tmp_path / "isnet.onnx", arrays, (1, 3, 64, 64)))
    assert found.info.reading.outputs == ("d0",)
    assert "of 4 outputs the first" in said(found)


def test_scaling_in_the_network_is_not_done_twice(tmp_path) -> None:
    from onnx import helper

    def scaled(name, *steps):
        nodes, last = [], "x"
        for i, (operator, constant) in enumerate(steps):
            nodes.append(helper.make_node(operator, [last, constant], [f"s{i}"]))
            last = f"s{i}"
        nodes.append(helper.make_node("ReduceMean", [last], ["m"], axes=[1], keepdims=1))
        nodes.append(helper.make_node("Sigmoid", ["m"], ["map"]))
        values = {"full": np.float32(255), "mean": np.full((3, 1, 1), 0.48, np.float32)}
        path = tiny_onnx.graph(
            tmp_path / name, nodes, {"x": (1, 3, 64, 64)}, {"map": (1, 1, 64, 64)}, values
        )
        return imported(path).info.preprocessing.normalizer

    assert scaled("a.onnx", ("Div", "full"), ("Sub", "mean")) == Standard(scale=1)
    assert scaled("b.onnx", ("Sub", "mean")) == Standard()
    assert scaled("c.onnx").mean[0] == pytest.approx(0.485)


def test_sizes_of_the_image_are_filled_in(tmp_path) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("ReduceMean", ["im_shape"], ["side"], keepdims=0),
        helper.make_node("ReduceMean", ["scale_factor"], ["factor"], keepdims=0),
        helper.make_node("Mul", ["side", "factor"], ["product"]),
        helper.make_node("Mul", ["image", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "product"], ["map"]),
    ]
    inputs = {"im_shape": (1, 2), "image": (1, 1, 64, 64), "scale_factor": (1, 2)}
    path = tiny_onnx.graph(
        tmp_path / "a.onnx", nodes, inputs, {"map": (1, 1, 64, 64)}, {"zero": np.float32(0)}
    )
    model = load_model(save_proposal(imported(path)).name)
    assert model.session(np.zeros((1, 64, 64), np.float32))["map"].max() == 64


def test_weights_beside_the_file_come_along(tmp_path) -> None:
    import onnx

    path = tiny_onnx.constant(
        tmp_path / "a.onnx", {"map": np.ones((1, 1, 64, 64), np.float32)}, (1, 1, 64, 64)
    )
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="a.data",
              size_threshold=100)  # fmt: skip
    folder = save_proposal(imported(path))
    (tmp_path / "a.data").unlink()
    assert load_model(folder.name).session(np.zeros((1, 64, 64), np.float32))["map"].min() == 1


def test_a_folder_with_one_file_and_corrections(tmp_path) -> None:
    folder = tmp_path / "my model"
    folder.mkdir()
    tiny_onnx.bright(folder / "net.onnx", (1, 3, "h", "w"), last="Identity")
    reading = ClassMaps(activation="none", background="none")
    found = imported(
        folder,
        model_name="mine",
        licence="MIT",
        classes=("cell",),
        channels=("a", "b", "c"),
        normalizer={"name": "z-score"},
        reading=reading,
        object_size=20,
    )
    info = found.info
    assert info.name == "mine" and info.licence == "MIT" and info.reading.activation == "none"
    assert info.preprocessing.channels == ("a", "b", "c")
    assert info.preprocessing.normalizer == ZScore() and info.preprocessing.diameter.typical == 20
    assert info.head.class_names == ("cell",) and found.warnings == ()


def test_a_semantic_network_of_ultralytics_has_no_background(tmp_path) -> None:
    from onnx import helper

    nodes = [
        helper.make_node("Conv", ["x", "weight"], ["logits"]),
        helper.make_node("ArgMax", ["logits"], ["numbers"], axis=1, keepdims=0),
    ]
    weight = np.ones((2, 3, 1, 1), np.float32) * np.reshape([-1, 1], (2, 1, 1, 1)).astype("f4")
    metadata = {"task": "semantic", "names": "{0: 'road', 1: 'sky'}", "stride": "32"}
    path = tiny_onnx.graph(
        tmp_path / "a.onnx", nodes, {"x": (1, 3, 64, 64)}, {"numbers": (1, 64, 64)},
        {"weight": weight}, dtypes={"numbers": "int64"}, metadata=metadata,
    )  # fmt: skip
    found = imported(path)
    assert found.info.reading.background == "none"
    assert found.info.preprocessing.normalizer == Standard()
    image = np.zeros((64, 64, 3), np.uint8)
    image[20:40] = 255
    result = segment(image, save_proposal(found).name)
    codes = np.asarray(result.classes.array)
    assert (codes[20:40] == 2).all() and (codes[:20] == 1).all()


@pytest.mark.parametrize(
    "form",
    ["v8", "v5", "end_to_end", "yolact", "detectron2", "torchvision", "queries"],
)
def test_objects_of_each_form_come_back_through_segment(tmp_path, form) -> None:
    masks = discs((64, 64), [(14, 14), (14, 48), (46, 30)], 9)
    truth = Truth(masks, zoom=4, classes=np.array([0, 1, 1]))
    outputs = {
        "yolact": truth.yolact,
        "queries": truth.queries,
        "detectron2": lambda: truth.box_masks(False),
        "torchvision": lambda: truth.box_masks(True),
    }.get(form, lambda: truth.yolo(form))()
    path = tiny_onnx.constant(tmp_path / "a.onnx", outputs, (1, 3, 256, 256))
    name = save_proposal(imported(path, classes=("a", "b"))).name
    image = np.stack([masks.any(0) * 200] * 3, -1).astype(np.uint8)
    result = segment(image, name)
    assert result.labels.max() == 3
    assert sorted(result.table["class"]) == [1, 2, 2]
    overlap = np.count_nonzero((np.asarray(result.labels) > 0) & masks.any(0))
    assert overlap / np.count_nonzero((np.asarray(result.labels) > 0) | masks.any(0)) > 0.9


def test_boxes_come_back_through_segment(tmp_path) -> None:
    masks = discs((64, 64), [(14, 14), (46, 30)], 9)
    truth = Truth(masks, zoom=4, classes=np.array([0, 1]))
    path = tiny_onnx.constant(tmp_path / "a.onnx", truth.yolo("v8", masks=False), (1, 3, 256, 256))
    name = save_proposal(imported(path)).name
    result = segment(np.zeros((64, 64, 3), np.uint8) + np.uint8(9) * masks[0][..., None], name)
    assert len(result.boxes) == 2


@pytest.mark.parametrize(("count", "first", "last"), [(19, "road", "bicycle"),
                                                      (21, "aeroplane", "tvmonitor"),
                                                      (5, "class 1", "class 4")])  # fmt: skip
def test_numbers_of_maps_of_usual_data_sets(tmp_path, count, first, last) -> None:
    maps = {"logits": np.zeros((1, count, 16, 16), np.float32)}
    found = imported(tiny_onnx.constant(tmp_path / "a.onnx", maps, (1, 3, 64, 64)))
    assert found.info.reading.classes[0] == first and found.info.reading.classes[-1] == last
    assert bool(found.info.source.trained_on) == (count > 5)
    assert (found.info.reading.background == "none") == (count == 19)


def test_92_logits_are_those_of_detr(tmp_path) -> None:
    outputs = {"logits": np.zeros((1, 12, 92), np.float32),
               "pred_boxes": np.zeros((1, 12, 4), np.float32)}  # fmt: skip
    found = imported(tiny_onnx.constant(tmp_path / "a.onnx", outputs, (1, 3, 64, 64)))
    assert found.info.reading.no_object == "last" and found.info.reading.classes[1] == "person"


def test_rf_detr_has_a_sigmoid_per_class_and_means_of_imagenet(tmp_path) -> None:
    outputs = {"dets": np.zeros((1, 30, 4), np.float32),
               "labels": np.zeros((1, 30, 91), np.float32),
               "masks": np.zeros((1, 30, 16, 16), np.float32)}  # fmt: skip
    for names in (("dets", "labels", "masks"), ("dets", "labels")):
        given = {name: outputs[name] for name in names}
        info = imported(tiny_onnx.constant(tmp_path / "a.onnx", given, (1, 3, 64, 64))).info
        assert (info.reading.no_object, info.reading.activation) == ("none", "sigmoid")
        assert info.reading.classes[1] == "person" and len(info.reading.classes) == 91
        assert info.preprocessing.frame.fit == "stretch"
        assert info.preprocessing.normalizer.mean[0] == pytest.approx(0.485)
