"""Outputs that are damaged, empty, too many or of another form."""

from __future__ import annotations

import time

import numpy as np
import pytest
from raw_outputs import Truth, discs

from napari_tally.core.errors import InputError
from napari_tally.mask_sets.frame import Frame
from napari_tally.mask_sets.readings import Boxes, BoxMasks, ClassMaps, Prototypes, Queries, Stacked
from napari_tally.mask_sets.resolve import resolve

TRUTH = Truth(discs((60, 100), [(30, 25), (30, 75)], 14), zoom=4)
FRAME = Frame.stretched(TRUTH.shape, TRUTH.input_shape)


@pytest.mark.parametrize("layout", ["v5", "v8", "end_to_end"])
def test_nan_scores_are_left_out_with_a_note(layout, caplog) -> None:
    outputs = TRUTH.yolo(layout)
    rows = outputs["output0"][0].T if layout == "v8" else outputs["output0"][0]
    before = len(Prototypes(layout=layout).read(outputs, FRAME).objects)
    rows[:, 4][rows[:, 4] > 0.9] = np.nan
    found = Prototypes(layout=layout).read(outputs, FRAME).objects
    assert before == 2
    assert len(found) <= 2
    assert np.isfinite(found.scores).all()
    assert "NaN" in caplog.text


def test_nan_logits_of_queries_are_no_objects(caplog) -> None:
    outputs = TRUTH.queries()
    outputs["logits"][0, 0] = np.nan
    outputs["pred_masks"][0, 1] = np.nan
    assert len(Queries().read(outputs, FRAME).objects) == 0
    assert "NaN" in caplog.text


@pytest.mark.parametrize(
    ("reading", "outputs"),
    [
        (Queries(), {"l": np.zeros((1, 0, 3)), "m": np.zeros((1, 0, 8, 8))}),
        (Prototypes(), {"a": np.zeros((1, 38, 0)), "b": np.zeros((1, 32, 8, 8))}),
        (Prototypes(), {"a": np.zeros((1, 38, 100)), "b": np.zeros((1, 32, 8, 8))}),
        (Boxes(layout="end_to_end"), {"a": np.zeros((1, 0, 6))}),
        (
            BoxMasks(),
            {
                "boxes": np.zeros((0, 4)),
                "labels": np.zeros(0, np.int64),
                "scores": np.zeros(0),
                "masks": np.zeros((0, 1, 28, 28)),
            },
        ),
    ],
)
def test_no_objects_are_no_objects(reading, outputs) -> None:
    found = reading.read(outputs, Frame.same((32, 32))).objects
    assert len(found) == 0
    if found.masks is not None:
        resolved = resolve(found)
        assert not resolved.labels.any()
        assert resolved.labels.shape == (32, 32)


def test_boxes_outside_of_the_image_are_left_out_and_others_clipped() -> None:
    rows = np.zeros((1, 3, 6), np.float32)
    rows[0] = [[-50, -50, -10, -10, 0.9, 0], [-5, 10, 20, 90, 0.8, 0], [90, 0, 99, 9, 0.7, 0]]
    found = Boxes(layout="end_to_end").read({"o": rows}, Frame.same((64, 64))).objects
    assert found.boxes.tolist() == [[10, 0, 64, 20]]


def test_empty_masks_are_no_objects() -> None:
    outputs = TRUTH.box_masks(False)
    outputs["masks"][0] = 0
    resolved = resolve(BoxMasks().read(outputs, FRAME).objects)
    assert len(resolved.objects) == 1
    assert resolved.labels.max() == 1


def test_a_hundred_thousand_boxes_take_seconds(caplog) -> None:
    rng = np.random.default_rng(0)
    columns = np.zeros((1, 5, 100_000), np.float32)
    columns[0, :2] = rng.uniform(0, 2048, (2, 100_000))
    columns[0, 2:4] = rng.uniform(10, 30, (2, 100_000))
    columns[0, 4] = rng.uniform(0.3, 1, 100_000)
    start = time.perf_counter()
    found = Boxes(max_candidates=100_000).read({"o": columns}, Frame.same((2048, 2048))).objects
    assert time.perf_counter() - start < 60
    assert 10_000 < len(found) < 100_000
    few = Boxes(max_candidates=1000).read({"o": columns}, Frame.same((2048, 2048))).objects
    assert len(few) <= 1000
    assert "best 1,000" in caplog.text


@pytest.mark.parametrize(
    ("reading", "outputs"),
    [
        (Prototypes(), {"o": np.zeros((1, 84, 100))}),
        (Prototypes(), {"o": np.zeros((1, 20, 100)), "p": np.zeros((1, 32, 8, 8))}),
        (Prototypes(layout="end_to_end"), TRUTH.yolo("v5")),
        (Prototypes(layout="yolact"), TRUTH.yolo("v8")),
        (Queries(), {"l": np.zeros((1, 5, 3))}),
        (Queries(), {"l": np.zeros((1, 5, 3)), "m": np.zeros((1, 6, 8, 8))}),
        (BoxMasks(), {"boxes": np.zeros((3, 4)), "scores": np.zeros(3)}),
        (BoxMasks(), {k: v for k, v in TRUTH.box_masks(False).items() if k != "masks"}),
        (Boxes(), {"a": np.zeros((1, 5, 9)), "b": np.zeros((1, 5, 9))}),
        (Boxes(layout="levels"), {"a": np.zeros((1, 4, 8, 8, 6))}),
        (ClassMaps(), {"a": np.zeros((1, 2, 8, 8)), "b": np.zeros((1, 3, 8, 8))}),
        (ClassMaps(), {"a": np.zeros((1, 2))}),
        (Queries(), {}),
    ],
)
def test_other_forms_are_refused_with_what_was_seen(reading, outputs) -> None:
    with pytest.raises(InputError) as caught:
        reading.read(outputs, FRAME)
    text = str(caught.value)
    assert all(f"{name} {array.shape}" in text for name, array in outputs.items())
    assert "Set the reading by hand" in text


def test_a_batch_of_several_images_is_refused() -> None:
    outputs = {n: np.concatenate([a, a]) for n, a in TRUTH.yolo("v8").items()}
    with pytest.raises(InputError, match="batch of 2 images"):
        Prototypes().read(outputs, FRAME)


def test_missing_outputs_are_named() -> None:
    with pytest.raises(InputError, match="no output 'masks'"):
        Queries(outputs=("logits", "masks")).read(TRUTH.queries(), FRAME)


def test_parts_of_a_stack_name_their_outputs() -> None:
    with pytest.raises((InputError, ValueError), match="must name its outputs"):
        Stacked(parts=(Boxes(), ClassMaps()))
