"""Raw outputs made from ground truth come back as the same objects, in every form."""

from __future__ import annotations

import numpy as np
import pytest
from fields import nuclei
from raw_outputs import Truth, discs

from napari_tally.core.errors import InputError
from napari_tally.mask_sets.frame import Frame
from napari_tally.mask_sets.readings import (
    READINGS,
    Boxes,
    BoxMasks,
    ClassMaps,
    Prototypes,
    Queries,
    Stacked,
)
from napari_tally.mask_sets.resolve import resolve
from napari_tally.metrics.match import match

LAYOUTS = ("v5", "v8", "end_to_end")
FORMS = {
    "queries": (Queries(), lambda t: t.queries()),
    **{
        f"prototypes {layout}": (
            Prototypes(layout=layout, overlap_threshold=0.8),
            lambda t, layout=layout: t.yolo(layout),
        )
        for layout in LAYOUTS
    },
    "yolact": (Prototypes(layout="yolact"), Truth.yolact),
    "small masks": (BoxMasks(pasted=False), lambda t: t.box_masks(False)),
    "pasted masks": (BoxMasks(pasted=True), lambda t: t.box_masks(True)),
}


def dense(seed: int = 3) -> np.ndarray:
    """Return touching nuclei of about 14 px."""
    return nuclei((160, 200), diameter=14, seed=seed)[1]


def frame_of(truth: Truth) -> Frame:
    return Frame.stretched(truth.shape, truth.input_shape)


def found_by(form: str, truth: Truth):
    reading, outputs = FORMS[form]
    return reading.read(outputs(truth), frame_of(truth)).objects


@pytest.mark.parametrize("form", FORMS)
def test_objects_come_back_at_four_times_the_size(form) -> None:
    labels = dense()
    resolved = resolve(found_by(form, Truth.of_labels(labels, zoom=4)))
    at = {m.iou: m.ap for m in match(resolved.labels, labels)}
    assert at[0.5] == 1.0
    assert at[0.75] == 1.0


@pytest.mark.parametrize("form", [f for f in FORMS if f not in ("small masks", "pasted masks")])
def test_a_grid_of_a_quarter_is_too_coarse_for_small_objects(form) -> None:
    labels = dense()
    resolved = resolve(found_by(form, Truth.of_labels(labels, zoom=1)))
    assert match(resolved.labels, labels, (0.9,))[0].ap < 0.9


@pytest.mark.parametrize("form", FORMS)
def test_objects_that_overlap_by_40_percent_come_back_whole(form) -> None:
    # Two discs of radius r at a distance of d share 40 % of their area at d = 0.97 r.
    masks = discs((120, 120), [(60, 50), (60, 50 + 0.97 * 20)], 20)
    share = (masks[0] & masks[1]).sum() / masks[0].sum()
    assert 0.38 < share < 0.42
    truth = Truth(masks, zoom=4)
    resolved = resolve(found_by(form, truth))
    assert len(resolved.objects) == 2
    assert len(resolved.full) == 1
    for label, mask in enumerate(masks, start=1):
        full = resolved.full.find(label)
        own = resolved.labels == label
        if full is not None:
            own[full.box] |= full.mask()
        assert (own & mask).sum() / (own | mask).sum() > 0.95
    assert resolved.visible[1] / resolved.area[1] == pytest.approx(1 - share, abs=0.03)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_boxes_come_back_as_the_same_boxes(layout) -> None:
    truth = Truth.of_labels(dense(), zoom=4, classes=None)
    reading = Boxes(layout=layout)
    found = reading.read(truth.yolo(layout, masks=False), frame_of(truth)).objects
    expected = truth.boxes[:, [1, 0, 3, 2]] / 4
    assert found.masks is None
    assert np.allclose(found.boxes, expected, atol=1e-3)  # both by falling score
    assert np.allclose(found.scores, truth.scores, atol=1e-3)


def test_boxes_of_queries_lists_and_priors_come_back() -> None:
    truth = Truth.of_labels(dense(), zoom=4)
    size = np.tile(truth.input_shape[::-1], 2)
    centred = np.concatenate(
        [(truth.boxes[:, :2] + truth.boxes[:, 2:]) / 2, truth.boxes[:, 2:] - truth.boxes[:, :2]], 1
    )
    logits = np.full((1, len(centred), 2), -9.0)
    logits[0, :, 0] = np.log(truth.scores / (1 - truth.scores))
    queries = {"logits": logits, "pred_boxes": (centred / size)[None]}
    yolact = {k: v for k, v in truth.yolact().items() if k in ("loc", "conf", "priors")}
    for reading, outputs in (
        (Boxes(layout="queries"), queries),
        (Boxes(layout="lists"), truth.box_masks(True) | {"masks": np.zeros((0, 1, 2, 2))}),
        (Boxes(layout="ssd"), yolact),
    ):
        found = reading.read(outputs, frame_of(truth)).objects
        assert np.allclose(found.boxes, truth.boxes[:, [1, 0, 3, 2]] / 4, atol=1e-2)
        assert np.allclose(found.scores, truth.scores, atol=1e-3)
        assert (found.classes == 1).all()


def test_raw_levels_are_decoded_with_their_anchors() -> None:
    anchors = (10.0, 10, 20, 20, 40, 40, 80, 80)
    levels = [np.full((1, 2, n, n, 6), -9.0, np.float32) for n in (16, 8)]
    # Level 1 (stride 16), second anchor 80 x 80, cell y 2, x 3: centre there, half the anchor.
    levels[1][0, 1, 2, 3] = [0, 0, -np.log(2 * np.sqrt(2) - 1), 0, 9, 9]
    reading = Boxes(layout="levels", anchors=anchors)
    frame = Frame.same((128, 128))
    flat = [a.transpose(0, 1, 4, 2, 3).reshape(1, 12, *a.shape[2:4]) for a in levels]
    for given in (levels, levels[::-1], flat):
        found = reading.read({f"o{i}": a for i, a in enumerate(given)}, frame).objects
        assert np.allclose(found.boxes, [[0, 36, 80, 76]], atol=0.1)


def test_classes_are_numbered_from_one_and_named() -> None:
    masks = discs((60, 100), [(30, 25), (30, 75)], 14)
    truth = Truth(masks, zoom=4, classes=np.array([1, 0]))
    for form in FORMS:
        found = found_by(form, truth)
        assert found.classes.tolist() == [2, 1], form
        assert found.class_name(2) == "class 2"
    named = Queries(classes=("cell", "dust")).read(truth.queries(), frame_of(truth)).objects
    assert named.class_name(2) == "dust"


def test_letterboxed_inputs_lie_where_the_image_was() -> None:
    frame = Frame.letterboxed((100, 200), (640, 640))
    assert frame.scale == (3.2, 3.2)
    assert frame.pad == (160, 0)
    assert np.allclose(frame.on_image(np.array([[160.0, 0, 480, 640]])), [[0, 0, 100, 200]])
    logits = np.full((1, 1, 160, 160), -5.0, np.float32)
    logits[0, 0, 60:100, 20:80] = 5  # in the input: rows 240 to 400, columns 80 to 320
    outputs = {"logits": np.array([[[9.0, -9]]]), "masks": logits}
    patch = Queries().read(outputs, frame).objects.draw(0).trimmed()
    assert patch.box == (slice(25, 75), slice(25, 100))


def test_ultralytics_crops_at_the_ceiling_of_both_ends() -> None:
    prototypes = np.ones((1, 1, 16, 16), np.float32)
    row = np.array([[[10.2, 20.0, 15.9, 30.5, 0.9, 0, 5.0]]], np.float32)
    reading = Prototypes(layout="end_to_end")
    outputs = {"output0": row, "output1": prototypes}
    patch = reading.read(outputs, Frame.same((64, 64))).objects.draw(0).trimmed()
    assert patch.box == (slice(20, 31), slice(11, 16))


def test_detectron_masks_are_sampled_at_pixel_centres_with_zeros_around() -> None:
    import torch

    rng = np.random.default_rng(1)
    mask = rng.random((28, 28)).astype(np.float32)
    box = np.array([10.3, 12.6, 71.4, 50.2], np.float32)  # x0, y0, x1, y1
    y = (torch.arange(0, 64) + 0.5 - box[1]) / (box[3] - box[1]) * 2 - 1
    x = (torch.arange(0, 96) + 0.5 - box[0]) / (box[2] - box[0]) * 2 - 1
    grid = torch.stack([x[None].expand(64, 96), y[:, None].expand(64, 96)], -1)
    sampled = torch.nn.functional.grid_sample(
        torch.from_numpy(mask)[None, None], grid[None].float(), align_corners=False
    )[0, 0]
    outputs = {"boxes": box[None], "labels": np.array([0]), "scores": np.array([0.9])}
    outputs["masks"] = mask[None, None]
    patch = BoxMasks().read(outputs, Frame.same((64, 96))).objects.draw(0)
    ours = np.zeros((64, 96), bool)
    ours[patch.box] = patch.mask
    sure = np.abs(sampled.numpy() - 0.5) > 1e-4
    assert (ours == (sampled.numpy() >= 0.5))[sure].all()


def test_logits_are_interpolated_as_torch_does() -> None:
    import torch

    rng = np.random.default_rng(2)
    masks = rng.normal(size=(1, 3, 20, 30)).astype(np.float32)
    outputs = {"logits": np.full((1, 3, 2), [9.0, -9]), "masks": masks}
    found = Queries(score_threshold=0).read(outputs, Frame.same((80, 120))).objects
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(masks), (80, 120), mode="bilinear", align_corners=False
    )[0].numpy()
    for row in range(3):
        patch = found.draw(row)
        ours = np.zeros((80, 120), bool)
        ours[patch.box] = patch.mask
        mine = min(range(3), key=lambda i: (ours != (expected[i] > 0)).sum())
        sure = np.abs(expected[mine]) > 1e-5
        assert (ours == (expected[mine] > 0))[sure].all()


def test_pairs_of_prior_and_class_suppress_within_their_class() -> None:
    masks = discs((60, 60), [(30, 30), (30, 31)], 14)
    truth = Truth(masks, zoom=4)
    outputs = truth.yolact()
    outputs["conf"][0] = [[0.1, 0.5, 0.4], [0.1, 0.45, 0.45]]
    found = Prototypes(layout="yolact", overlap_threshold=0.5).read(outputs, frame_of(truth))
    assert sorted(found.objects.classes.tolist()) == [1, 2]
    one = Prototypes(layout="yolact", overlap_threshold=0.5, across_classes=True)
    assert len(one.read(outputs, frame_of(truth)).objects) == 1


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none", "index"])
@pytest.mark.parametrize("shape", [(12, 14), (5, 12, 14)])
def test_class_maps_keep_the_classes(activation, shape) -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, shape)
    one_hot = np.moveaxis(np.eye(3, dtype=np.float32)[classes], -1, 0)
    background = "first"
    raw = {"softmax": 10 * one_hot, "none": one_hot, "index": classes[None]}.get(activation)
    if activation == "sigmoid":
        raw, background = 20 * one_hot[1:] - 10, "none"
    found = ClassMaps(activation=activation, background=background).read({"out": raw[None]})
    assert found.objects is None
    assert found.maps.shape == (3, *shape)
    assert np.array_equal(found.maps.argmax(0), classes)
    last = np.moveaxis(raw[None], 1, -1)
    if activation != "index":
        again = ClassMaps(activation=activation, background=background, channels_last=True)
        assert np.array_equal(again.read({"out": last}).maps, found.maps)


def test_a_stack_of_readings_gives_objects_and_maps() -> None:
    truth = Truth.of_labels(dense(), zoom=4)
    stuff = np.zeros((1, 3, *truth.grid), np.float32)
    stuff[0, 1] = 5
    reading = Stacked(
        parts=(
            BoxMasks(outputs=("boxes", "labels", "scores", "masks"), classes=("nucleus",)),
            ClassMaps(outputs=("semantic",), classes=("tissue", "glass")),
        )
    )
    again = READINGS.validate(reading.model_dump(mode="json"))
    found = again.read(truth.box_masks(False) | {"semantic": stuff}, frame_of(truth))
    assert again == reading
    assert again.class_names == ("nucleus", "tissue", "glass")
    assert len(found.objects) == len(truth.masks)
    assert (found.maps.argmax(0) == 1).all()


def test_maps_of_a_stack_are_joined_with_the_last_in_front() -> None:
    road, lane = np.zeros((1, 2, 4, 4), np.float32), np.zeros((1, 1, 4, 4), np.float32)
    road[0, 1, :, 2:], road[0, 0, :, :2], lane[0, 0, 1] = 9, 9, 9
    lane[0, 0, [0, 2, 3]] = -9
    box = np.array([[[2, 2, 2, 2, 0.9, 0.9]]], np.float32)
    reading = Stacked(
        parts=(
            Boxes(layout="v5", outputs=("det",)),
            ClassMaps(outputs=("drivable",)),
            ClassMaps(outputs=("lane",), background="none", activation="sigmoid"),
        )
    )
    outputs = {"det": box, "drivable": road, "lane": lane}
    found = reading.read(outputs, Frame.same((4, 4)))
    assert np.allclose(found.objects.boxes, [[1, 1, 3, 3]])
    assert found.maps.argmax(0).tolist() == [[0, 0, 1, 1], [2] * 4, [0, 0, 1, 1], [0, 0, 1, 1]]


def test_readings_are_saved_and_read_again() -> None:
    for reading in (f[0] for f in FORMS.values()):
        assert READINGS.validate(reading.model_dump(mode="json")) == reading
    with pytest.raises(InputError, match="prototype"):
        READINGS["prototype"]
