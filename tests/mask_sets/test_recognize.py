"""Outputs of unknown networks are recognized by their names and shapes."""

from __future__ import annotations

import pytest

from napari_tally.core.errors import InputError
from napari_tally.mask_sets.readings.recognize import recognized

COCO = tuple(f"c{i}" for i in range(80))
KNOWN = [
    ({"output0": (1, 116, 8400), "output1": (1, 32, 160, 160)}, (), "prototypes", "v8"),
    ({"output0": (1, 25200, 117), "output1": (1, 32, 160, 160)}, COCO, "prototypes", "v5"),
    ({"output0": (1, 300, 38), "output1": (1, 32, 160, 160)}, COCO, "prototypes", "end_to_end"),
    ({"output0": (1, 37, -1), "output1": (1, 32, -1, -1)}, ("cell",), "prototypes", "v8"),
    ({"output0": (1, 37, 8400), "output1": (1, 32, 160, 160)}, (), "prototypes", "v8"),
    (
        {
            "loc": (1, 19248, 4), "conf": (1, 19248, 81), "mask": (1, 19248, 32),
            "priors": (19248, 4), "proto": (1, 138, 138, 32),
        },
        COCO, "prototypes", "yolact",
    ),
    ({"output0": (1, 84, 8400)}, COCO, "boxes", "v8"),
    ({"output": (1, 25200, 85)}, COCO, "boxes", "v5"),
    ({"output0": (1, 300, 6)}, COCO, "boxes", "end_to_end"),
    ({"logits": (1, 300, 80), "pred_boxes": (1, 300, 4)}, COCO, "boxes", "queries"),
    ({"boxes": (-1, 4), "labels": (-1,), "scores": (-1,)}, (), "boxes", "lists"),
    (
        {"a": (1, 3, 80, 80, 85), "b": (1, 3, 40, 40, 85), "c": (1, 3, 20, 20, 85)},
        COCO, "boxes", "levels",
    ),
    (
        {"class_queries_logits": (1, 100, 81), "masks_queries_logits": (1, 100, 96, 96)},
        COCO, "queries", "last softmax",
    ),
    (
        {"dets": (1, 300, 4), "labels": (1, 300, 91), "masks": (1, 300, 78, 78)},
        (), "queries", "none sigmoid",
    ),
    (
        {"pred_boxes": (1, 200, 4), "logits": (1, 200, 80), "pred_masks": (1, 200, 78, 78)},
        COCO, "queries", "none sigmoid",
    ),
    (
        {"boxes": (-1, 4), "labels": (-1,), "scores": (-1,), "masks": (-1, 1, 28, 28)},
        (), "box-masks", "False",
    ),
    (
        {"boxes": (-1, 4), "labels": (-1,), "scores": (-1,), "masks": (-1, 1, -1, -1)},
        (), "box-masks", "True",
    ),
    ({"sigmoid_0.tmp_0": (1, 1, -1, -1)}, (), "class-maps", "none sigmoid"),
    ({"logits": (1, 3, 128, 128)}, ("a", "b"), "class-maps", "first softmax"),
    ({"out": (-1, 14, 96, 96, 96)}, (), "class-maps", "first softmax"),
    ({"out": (1, 256, 256, 3)}, (), "class-maps", "first softmax"),
]  # fmt: skip


@pytest.mark.parametrize(("outputs", "classes", "name", "detail"), KNOWN)
def test_families_are_recognized(outputs, classes, name, detail) -> None:
    found = recognized(outputs, classes)
    reading = found.reading
    assert reading.name == name, found.sentence
    shown = {
        "prototypes": lambda r: r.layout,
        "boxes": lambda r: r.layout,
        "queries": lambda r: f"{r.no_object} {r.activation}",
        "box-masks": lambda r: str(r.pasted),
        "class-maps": lambda r: f"{r.background} {r.activation}",
    }[name](reading)
    assert shown == detail, found.sentence
    assert reading.classes == classes
    assert set(reading.outputs) <= set(outputs)


def test_what_was_understood_is_a_sentence() -> None:
    outputs = {"output0": (1, 300, 38), "output1": (1, 32, 160, 160)}
    sentence = recognized(outputs, COCO).sentence
    assert sentence == "300 boxes with 32 coefficients and 80 classes: YOLO, end to end"
    outputs = {"output0": (1, 116, 8400), "output1": (1, 32, 160, 160)}
    sentence = recognized(outputs).sentence
    assert sentence == "8,400 boxes with 32 coefficients and 80 classes: YOLOv8 or later"


@pytest.mark.parametrize(
    "outputs", [{}, {"a": (1, 5)}, {"a": (3,), "b": (1, -1, 7, 7)}, {"t": (1, 2, 3, 4, 5, 6)}]
)
def test_unknown_forms_are_said_with_what_was_seen(outputs) -> None:
    with pytest.raises(InputError) as caught:
        recognized(outputs)
    text = str(caught.value)
    assert "Set the reading by hand" in text
    assert all(name in text for name in outputs)
