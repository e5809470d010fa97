"""Tuning corrects bad parameters with a few annotated images, and overwrites nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fields import nuclei
from mask_models import box_model, true_model
from raw_outputs import Truth

import napari_tally
from napari_tally import Volume
from napari_tally.core.errors import InputError, OutputExistsError
from napari_tally.core.progress import drain
from napari_tally.heads import Boundary, Center
from napari_tally.models.bundle import load_model, read_info
from napari_tally.models.copy_bundle import copy_model
from napari_tally.segmentation.tune import TuneOptions, tune_steps
from napari_tally.segmentation.tune_search import MIN_SIZE, candidates

SPOILED = [{MIN_SIZE: 400}, {"mean_probability": 0.999}]


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def pairs():
    drawn = [nuclei((100, 110), diameter=20, seed=s) for s in range(3)]
    return [
        (Volume(image, "YX", name=f"{i}"), Volume(labels, "YX", name=f"{i}"))
        for i, (image, labels) in enumerate(drawn)
    ]


def spoiled(model, changes):
    """Return the model with bad parameters."""
    head = {name: value for name, value in changes.items() if name != MIN_SIZE}
    size = changes.get(MIN_SIZE, model.info.min_size)
    update = {"head": model.info.head.model_copy(update=head), MIN_SIZE: size}
    return replace(model, info=model.info.model_copy(update=update))


@pytest.mark.parametrize("changes", SPOILED, ids=lambda c: next(iter(c)))
def test_bad_parameters_are_corrected(model, pairs, changes) -> None:
    bad = spoiled(model, changes)
    steps = []
    options = TuneOptions(segment={"object_size": "20px"}, folds=3)
    tuning = drain(tune_steps(pairs, bad, options), steps.append)
    assert tuning.after > 0.8 > 0.2 > tuning.before
    assert tuning.checked == pytest.approx(tuning.after, abs=0.15)
    assert changes.keys() <= tuning.changed.keys()
    assert tuning.info.version.startswith(f"{model.info.version}+tuned.")
    assert len([s for s in steps if s.stage == "tune"]) > 20
    images, ground_truth = zip(*pairs, strict=True)
    tuned = replace(bad, info=tuning.info)
    for image, labels in zip(images, ground_truth, strict=True):
        result = napari_tally.segment(image, tuned, object_size="20px")
        assert result.count == len(np.unique(labels.array)) - 1
    assert any("cross-validated" in line for line in tuning.lines())


def test_one_image_allows_no_cross_validation(model, pairs) -> None:
    options = TuneOptions(segment={"object_size": "20px"}, sweeps=1)
    tuning = drain(tune_steps(pairs[:1], model, options))
    assert tuning.after >= tuning.before
    assert tuning.checked is None
    assert any("no cross-validation" in line for line in tuning.lines())


def test_a_series_is_tuned_from_python_into_a_new_folder(pairs, tmp_path) -> None:
    frames = [np.stack([p[i].array for p in pairs[:2]]) for i in (0, 1)]
    frames[1][1][frames[1][1] > 0] += 100  # ids are unique over frames
    volumes = [Volume(frame, "TYX", name="movie") for frame in frames]
    options = {"segment": {"object_size": "20px"}, "sweeps": 1}
    tuning = napari_tally.tune([tuple(volumes)], "nuclei-2d", output=tmp_path / "mine", **options)
    assert tuning.after > 0.8
    assert load_model(tmp_path / "mine").info == tuning.info
    with pytest.raises(OutputExistsError, match="overwrite"):
        napari_tally.tune([tuple(volumes)], "nuclei-2d", output=tmp_path / "mine")


def test_candidate_values_are_valid_and_differ_from_the_current_one() -> None:
    for head in (Center(), Boundary()):
        info = load_model().info.model_copy(update={"head": head})
        for name, values in candidates(info).items():
            assert name in ("threshold", *head.tunable)
            assert len(values) > 5 and getattr(head, name) not in values
            for value in values:
                type(head).model_validate(head.model_dump() | {name: value})


def test_what_cannot_be_tuned_is_refused_in_a_sentence(model, pairs) -> None:
    with pytest.raises(InputError, match="no image to tune on"):
        drain(tune_steps([], model))
    with pytest.raises(InputError, match="separate objects"):
        drain(tune_steps(pairs, load_model("hippocampus-mr")))
    wrong = Volume(np.zeros((3, 3), int), "YX", name="wrong")
    with pytest.raises(InputError, match="labels wrong have the shape"):
        drain(tune_steps([(pairs[0][0], wrong)], model))


@pytest.fixture
def folders(tmp_path, pairs):
    for image, labels in pairs[:2]:
        napari_tally.write(image, tmp_path / "images" / f"{image.name}.tif")
        napari_tally.write(labels, tmp_path / "ground_truth" / f"{image.name}_labels.tif")
    napari_tally.write(pairs[2][0], tmp_path / "images" / "unmatched.tif")
    return ["--images", "images", "--labels", "ground_truth", "--object-size", "20px"]


def test_the_command_writes_a_new_model_and_reports_unmatched_images(run, folders) -> None:
    code, out, err = run("tune", "nuclei-2d", *folders, "--output", "mine")
    assert (code, "unmatched.tif has no match" in err) == (0, True)
    assert "before" in out and "cross-validated" in out
    before, tuned = load_model("nuclei-2d"), load_model("mine")
    assert tuned.sha256 == before.sha256
    assert read_info(tuned.folder).name == "nuclei-2d"
    code, _, err = run("tune", "nuclei-2d", *folders, "--output", "mine")
    assert (code, "--overwrite" in err) == (1, True)
    assert run("tune", "mine", *folders, "--output", "mine", "--overwrite")[0] == 0
    assert run("segment", "images/0.tif", "--model", "mine", "-o", "out")[0] == 0


def test_other_folders_and_built_in_models_are_not_replaced(run, folders, tmp_path, model) -> None:
    (tmp_path / "notes").mkdir()
    for target in ("notes", str(model.folder)):
        code, _, err = run("tune", "nuclei-2d", *folders, "-o", target, "--overwrite")
        assert (code, "folder" in err) == (1, True)
    assert (model.folder / "configs" / "metadata.json").is_file()


def test_folders_without_pairs_are_refused_in_a_sentence(run, folders, tmp_path) -> None:
    (tmp_path / "none").mkdir()
    code, _, err = run("tune", "nuclei-2d", "--images", "images", "--labels", "none", "-o", "mine")
    assert (code, "have the name of an image in images" in err) == (1, True)


def test_threshold_and_visible_share_of_masks_are_tuned(tmp_path) -> None:
    labels = nuclei((160, 200), diameter=14, seed=3)[1]
    truth = Truth.of_labels(labels, zoom=4)
    wrong = truth.scores < 0.7  # objects of low scores that are none
    good = np.where(np.isin(labels, np.flatnonzero(wrong) + 1), 0, labels)
    image = np.where(labels > 0, 200, 20).astype(np.uint8)
    model = true_model(tmp_path / "m", "prototypes v8", truth)
    pairs = [(Volume(image, "YX", name="a"), Volume(good, "YX", name="a"))]
    tuning = drain(tune_steps(pairs, model, TuneOptions(folds=2)))
    assert tuning.changed.keys() == {"threshold"}
    assert tuning.info.head.threshold == 0.7
    assert tuning.after > tuning.before + 0.2
    copy_model(model, tuning.info, tmp_path / "tuned")
    found = napari_tally.segment(image, tmp_path / "tuned")
    assert found.count == len(np.unique(good)) - 1


def test_boxes_are_not_tuned(tmp_path) -> None:
    labels = nuclei((160, 200), diameter=14, seed=3)[1]
    model = box_model(tmp_path, Truth.of_labels(labels, zoom=4))
    pair = Volume(labels.astype(np.uint8), "YX"), Volume(labels, "YX")
    with pytest.raises(InputError, match="returns boxes"):
        drain(tune_steps([pair], model))
