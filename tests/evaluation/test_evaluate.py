"""Evaluation of predictions: pooled scores, images without objects, and bad input."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import napari_tally
from napari_tally.core.errors import InputError, TallyError
from napari_tally.core.progress import drain
from napari_tally.core.volume import Volume
from napari_tally.evaluation.evaluate import class_of, evaluate_steps
from napari_tally.evaluation.evaluate_files import as_json
from napari_tally.evaluation.evaluation import differences
from napari_tally.evaluation.load_pair import Pair
from napari_tally.evaluation.options import THRESHOLDS, EvaluateOptions
from napari_tally.metrics.match import match, mean_ap, panoptic_counts, pooled

NOTHING = np.zeros((12, 12), np.uint16)


def field(seed: int = 0) -> np.ndarray:
    """Return squares of 4 px, 6 px apart, of which some are left out; ids with gaps."""
    labels, rng = np.zeros((36, 36), np.uint16), np.random.default_rng(seed)
    for number, (y, x) in enumerate(np.ndindex(6, 6)):
        if rng.random() < 0.8:
            labels[6 * y + 1 : 6 * y + 5, 6 * x + 1 : 6 * x + 5] = 7 * number + 3
    return labels


def test_scores_are_those_of_the_matching_per_image_and_pooled() -> None:
    ground_truth = [field(1), field(2)]
    pred = [
        np.roll(t, i, 0) * (np.random.default_rng(i).random(t.shape) < 0.9)
        for i, t in enumerate(ground_truth)
    ]
    found = napari_tally.evaluate(pred, ground_truth)
    matches = [match(p, t, THRESHOLDS) for p, t in zip(pred, ground_truth, strict=True)]
    assert found.thresholds["ap_mean"].tolist() == mean_ap(matches)
    assert found.thresholds["ap"].tolist() == [m.ap for m in pooled(matches)]
    assert found.images["mean_ap"].tolist() == [np.mean([m.ap for m in each]) for each in matches]
    assert found.images["f1"].tolist() == [each[0].f1 for each in matches]
    assert found.summary["mean_ap"] == pytest.approx(np.mean(mean_ap(matches)))
    assert 0 < found.summary["mean_ap"] < 1


def test_thresholds_go_to_095_and_the_first_decides_the_outcomes() -> None:
    assert THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    ground_truth = field()
    found = napari_tally.evaluate(np.roll(ground_truth, 1, 0), ground_truth, iou=[0.7, 0.3])
    assert set(found.objects["fate"]) == {"missed", "false"}  # the IoU is 12 / 20
    assert found.images["ap_0.30"].tolist() == [1] and found.images["f1"].tolist() == [0]


def test_count_errors_have_a_sign_and_do_not_cancel_without_it() -> None:
    ground_truth, fewer = field(), field()
    fewer[fewer == fewer.max()] = 0
    found = napari_tally.evaluate([fewer, ground_truth], [ground_truth, fewer])
    assert found.images["count_error"].tolist() == [-1, 1]
    assert found.summary["count_error_mean"] == 0
    assert found.summary["count_error_abs_mean"] == 1


def test_objects_keep_their_ids_and_name_their_matches() -> None:
    ground_truth = field()
    found = napari_tally.evaluate(ground_truth.astype(np.int64) * 2**33, ground_truth).objects
    ours = found[found["side"] == "predicted"]
    assert (ours["label"] == ours["partner"] * 2**33).all() and (ours["fate"] == "true").all()
    assert len(found) == 2 * len(np.unique(ground_truth[ground_truth > 0]))


@pytest.mark.parametrize(
    ("pred", "ground_truth", "ap", "note"),
    [
        (NOTHING, NOTHING, 1, "no objects in both: AP is 1"),
        (NOTHING, NOTHING + 1, 0, "no objects in the prediction: AP is 0"),
        (NOTHING + 1, NOTHING, 0, "no objects in the ground truth: AP is 0"),
    ],
)
def test_images_without_objects_are_scored_by_a_rule_with_a_note(
    pred, ground_truth, ap, note
) -> None:
    found = napari_tally.evaluate(pred, ground_truth).images
    assert found["mean_ap"].tolist() == found["aji"].tolist() == [ap]
    assert found["note"].tolist() == [note]


def test_masks_are_separated_with_a_note() -> None:
    ground_truth = field()
    found = napari_tally.evaluate(ground_truth > 0, ground_truth)
    assert found.summary["mean_ap"] == 1
    assert "mask" in found.images["note"][0]


def test_labels_may_be_whole_floats() -> None:
    assert napari_tally.evaluate(field().astype(np.float32), field()).summary["mean_ap"] == 1


@pytest.mark.parametrize(
    ("pred", "ground_truth", "message"),
    [
        (NOTHING, NOTHING[:5], r"shape \(12, 12\).*ground truth .*\(5, 12\)"),
        (np.zeros((3, 12, 12), int), NOTHING, "has shape"),
        (np.full((12, 12), -2), NOTHING, "the id -2"),
        (np.full((12, 12), np.nan), NOTHING, "fractions or NaN"),
        (np.full((12, 12), 0.5), NOTHING, "fractions or NaN"),
        (
            Volume(NOTHING, "YX", (1.0, 1.0), "um"),
            Volume(NOTHING, "YX", (2.0, 1.0), "um"),
            "spacing",
        ),
        (Volume(np.zeros((2, 12, 12), int), "TYX"), NOTHING, "has TYX"),
    ],
)
def test_invalid_pairs_are_refused_with_the_reason(pred, ground_truth, message) -> None:
    with pytest.raises(InputError, match=message):
        napari_tally.evaluate(pred, ground_truth)


def test_a_bad_image_does_not_stop_the_others(tmp_path) -> None:
    (tmp_path / "b.tif").write_bytes(b"II*\0 cut")
    found = napari_tally.evaluate([tmp_path / "b.tif", field()], [field(), field()])
    assert found.summary["images"] == 1 and found.summary["left_out"] == 1
    assert "b.tif" in found.problems[0].message


def test_a_different_orientation_is_refused() -> None:
    affine = np.diag([1.0, 1, 1, 1])
    turned = np.diag([1.0, 1, -1, 1])
    labels = np.zeros((4, 12, 12), np.uint8)
    sides = [Volume(labels, "ZYX", (1.0,) * 3, "mm", a, name="a.nii") for a in (affine, turned)]
    with pytest.raises(InputError, match="differ in position by up to"):
        napari_tally.evaluate(*sides)
    assert napari_tally.evaluate(sides[0], sides[0]).summary["images"] == 1


def test_axes_of_one_plane_do_not_matter() -> None:
    ground_truth = field()
    stack = Volume(ground_truth[None], "ZYX", (2.0, 1.0, 1.0), "um")
    assert napari_tally.evaluate(stack, ground_truth).summary["mean_ap"] == 1


def test_classes_with_gaps_in_physical_units() -> None:
    ground_truth = np.zeros((4, 12, 12), np.uint8)
    ground_truth[1:3, 2:8, 2:8], ground_truth[:, 9:, 9:] = 2, 9
    pred = np.roll(ground_truth, 1, 2)
    found = napari_tally.evaluate(pred, ground_truth, kind="classes", spacing="3,1,1mm")
    table = found.classes.set_index("class")
    assert table.index.tolist() == [2, 9]
    assert table.loc[2, "dice"] == pytest.approx(2 * 5 / 12)
    assert table.loc[2, "volume_true_mm3"] == 2 * 36 * 3
    assert table.loc[2, "volume_difference_mm3"] == 0
    assert table.loc[2, "hd95_mm"] == 1 and table.loc[2, "nsd"] == 1  # within 3 mm
    strict = napari_tally.evaluate(
        pred, ground_truth, kind="classes", spacing="3,1,1mm", tolerance="500um"
    )
    assert strict.classes["nsd"].max() < 1
    assert found.summary["mean_dice"] == pytest.approx(table["dice"].mean())


def test_a_class_that_is_missing_once_counts_with_a_dice_of_0_and_without_distance() -> None:
    full, empty = np.full((6, 6), 3), np.zeros((6, 6), int)
    found = napari_tally.evaluate([full, empty, empty], [full, full, empty], kind="classes")
    row = found.summary["classes"][0]
    assert (row["class"], row["images"], row["without_distance"]) == (3, 2, 1)
    assert row["dice"] == 0.5 and row["dice_pooled"] == pytest.approx(2 / 3)
    assert row["hd95_px"] == 0


def test_ids_of_objects_are_not_taken_for_classes() -> None:
    with pytest.raises(InputError, match="Class ids go up to 255"):
        napari_tally.evaluate(np.full((4, 4), 300), np.full((4, 4), 300), kind="classes")


def test_panoptic_numbers_are_those_of_its_counts_and_objects_know_their_class() -> None:
    objects = [field(1), field(1)]
    objects[0][2, :] = 0
    classes = [np.where(o > 0, 2, 1) for o in objects]
    classes[0][:, :12][objects[0][:, :12] > 0] = 3
    found = napari_tally.evaluate(
        objects[0],
        objects[1],
        prediction_classes=classes[0],
        ground_truth_classes=classes[1],
        kind="panoptic",
    )
    expected = panoptic_counts((objects[0], classes[0]), (objects[1], classes[1]), 3)
    assert found.classes["pq"].tolist() == pytest.approx(expected.pq.tolist(), nan_ok=True)
    assert [row["pq"] for row in found.summary["classes"]] == pytest.approx(expected.pq.tolist())
    ours = found.objects[found.objects["side"] == "predicted"]
    assert set(ours["class"]) == {2, 3} and set(ours["partner_class"]) == {2}
    at = found.thresholds.set_index(["class", "iou"])
    wrong = int((ours["class"] == 3).sum())
    assert at.loc[(3, 0.5), "fp"] == at.loc[(2, 0.5), "fn"] == wrong > 0
    assert at.loc[("all", 0.5), "tp"] == len(ours)


def test_the_class_of_an_object_is_the_one_of_most_voxels() -> None:
    objects = np.array([[1, 1, 1, 2, 2, 5]])
    assert class_of(objects, np.array([[4, 4, 2, 0, 3, 0]])).tolist() == [0, 4, 3, 0]


def test_steps_count_the_images() -> None:
    pairs = [Pair(name, Volume(field(), "YX"), Volume(field(), "YX")) for name in "ab"]
    seen = []
    found = drain(evaluate_steps(pairs), lambda step: seen.append((step.stage, step.done)))
    assert seen == [("images", 1), ("images", 2)]
    assert found.images["image"].tolist() == ["a", "b"]


def test_two_predictions_are_compared_image_by_image() -> None:
    ground_truth = [field(1), field(2)]
    first = napari_tally.evaluate([np.roll(t, 1, 0) for t in ground_truth], ground_truth)
    second = napari_tally.evaluate([ground_truth[0], NOTHING, NOTHING], [*ground_truth, NOTHING])
    assert len(second.problems) == 1
    table = differences(first, second)
    assert table["image"].tolist() == ["image 1"]
    assert table["difference"].tolist() == [1 - first.images["mean_ap"][0]]


def test_all_numbers_go_to_json_and_what_is_no_number_is_null() -> None:
    found = napari_tally.evaluate(NOTHING, NOTHING)
    text = json.dumps(as_json([found]), allow_nan=False)
    back = json.loads(text)["predictions"][0]
    assert back["images"][0]["sq"] is None and back["images"][0]["mean_ap"] == 1


@pytest.mark.parametrize("iou", [(), (0,), (1.2,), (0.5, 0.5)])
def test_thresholds_must_make_sense(iou) -> None:
    with pytest.raises(ValueError, match=r"iou|IoU"):
        EvaluateOptions(iou=iou)


def test_predictions_and_ground_truth_must_be_equally_many() -> None:
    with pytest.raises(TallyError, match="2 predictions but 1 ground truth"):
        napari_tally.evaluate([NOTHING, NOTHING], [NOTHING])


def test_the_same_place_in_another_orientation_is_compared() -> None:
    labels = np.zeros((4, 12, 12), np.uint8)
    labels[1:3, 2:8, 1:5] = 3
    plain, turned = np.eye(4), np.diag([1.0, 1, -1, 1])
    turned[2, 3] = 11
    truth = Volume(labels, "ZYX", (1.0,) * 3, "mm", plain, name="t.nii")
    found = Volume(labels[..., ::-1], "ZYX", (1.0,) * 3, "mm", turned, name="p.nii")
    for kind in ("instances", "classes"):
        evaluation = napari_tally.evaluate(found, truth, kind=kind)
        assert "another orientation" in evaluation.images["note"][0]
        assert evaluation.summary.get("mean_ap", evaluation.summary.get("mean_dice")) == 1
    single = napari_tally.evaluate(
        replace(found, array=found.array[1:2]), replace(truth, array=truth.array[1:2])
    )
    assert single.summary["mean_ap"] == 1
    half = plain.copy()
    half[2, 3] = 0.4
    away = replace(truth, affine=half)
    with pytest.raises(InputError, match=r"differ in position by up to 0\.4 mm"):
        napari_tally.evaluate(away, truth)
    assert napari_tally.evaluate(away, truth, resample=True).summary["mean_ap"] == 1


def test_a_mask_as_ground_truth_is_noted_and_split_on_request() -> None:
    labels = field()
    mask = (labels > 0).astype(np.uint8) * 255
    one = napari_tally.evaluate(labels, mask)
    assert "is a binary mask" in one.images["note"][0] and one.images["n_true"][0] == 1
    split = napari_tally.evaluate(labels, mask, separate=True)
    assert split.summary["mean_ap"] == 1 and not split.images["note"][0]
    assert "mask" not in napari_tally.evaluate(mask, mask, kind="classes").images["note"][0]
