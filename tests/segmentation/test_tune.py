"""Tuning: bad numbers are found out by a few images with truth, and nothing is overwritten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fields import nuclei

import napari_tally
from napari_tally import Volume
from napari_tally.core.errors import InputError, OutputExistsError
from napari_tally.core.progress import drain
from napari_tally.heads import Boundary, Center
from napari_tally.models.bundle import load_model, read_info
from napari_tally.segmentation.tune import MIN_SIZE, TuneOptions, candidates, tune_steps

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
    """Return the model with bad numbers."""
    head = {name: value for name, value in changes.items() if name != MIN_SIZE}
    size = changes.get(MIN_SIZE, model.info.min_size)
    update = {"head": model.info.head.model_copy(update=head), MIN_SIZE: size}
    return replace(model, info=model.info.model_copy(update=update))


@pytest.mark.parametrize("changes", SPOILED, ids=lambda c: next(iter(c)))
def test_bad_numbers_are_found_out(model, pairs, changes) -> None:
    bad = spoiled(model, changes)
    steps = []
    options = TuneOptions(segment={"object_size": "20px"}, folds=3)
    found = drain(tune_steps(pairs, bad, options), steps.append)
    assert found.after > 0.8 > 0.2 > found.before
    assert found.checked == pytest.approx(found.after, abs=0.15)
    assert changes.keys() <= found.changed.keys()
    assert found.info.version.startswith("1.0.0+tuned.")
    assert len([s for s in steps if s.stage == "tune"]) > 20
    images, truth = zip(*pairs, strict=True)
    tuned = replace(bad, info=found.info)
    for image, labels in zip(images, truth, strict=True):
        result = napari_tally.segment(image, tuned, object_size="20px")
        assert result.count == len(np.unique(labels.array)) - 1
    assert any("left out of the search" in line for line in found.lines())


def test_one_image_says_that_there_is_nothing_to_check_on(model, pairs) -> None:
    options = TuneOptions(segment={"object_size": "20px"}, sweeps=1)
    found = drain(tune_steps(pairs[:1], model, options))
    assert found.after >= found.before
    assert found.checked is None
    assert any("nothing to check" in line for line in found.lines())


def test_a_series_is_tuned_from_python_into_a_new_folder(pairs, tmp_path) -> None:
    frames = [np.stack([p[i].array for p in pairs[:2]]) for i in (0, 1)]
    frames[1][1][frames[1][1] > 0] += 100  # ids are unique over frames
    volumes = [Volume(frame, "TYX", name="movie") for frame in frames]
    told = {"segment": {"object_size": "20px"}, "sweeps": 1}
    found = napari_tally.tune([tuple(volumes)], "nuclei-2d", output=tmp_path / "mine", **told)
    assert found.after > 0.8
    assert load_model(tmp_path / "mine").info == found.info
    with pytest.raises(OutputExistsError, match="overwrite"):
        napari_tally.tune([tuple(volumes)], "nuclei-2d", output=tmp_path / "mine")


def test_values_that_are_tried_are_allowed_and_not_the_own() -> None:
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
        napari_tally.write(labels, tmp_path / "truth" / f"{image.name}_labels.tif")
    napari_tally.write(pairs[2][0], tmp_path / "images" / "alone.tif")
    return ["--images", "images", "--labels", "truth", "--object-size", "20px"]


def test_the_command_writes_a_model_beside_and_tells_what_has_no_partner(run, folders) -> None:
    code, out, err = run("tune", "nuclei-2d", *folders, "--output", "mine")
    assert (code, "alone.tif has no match" in err) == (0, True)
    assert "before" in out and "left out of the search" in out
    before, tuned = load_model("nuclei-2d"), load_model("mine")
    assert tuned.sha256 == before.sha256
    assert read_info(tuned.folder).name == "nuclei-2d"
    code, _, err = run("tune", "nuclei-2d", *folders, "--output", "mine")
    assert (code, "--overwrite" in err) == (1, True)
    assert run("tune", "mine", *folders, "--output", "mine", "--overwrite")[0] == 0
    assert run("segment", "images/0.tif", "--model", "mine", "-o", "out")[0] == 0


def test_no_other_folder_and_no_shipped_model_is_replaced(run, folders, tmp_path, model) -> None:
    (tmp_path / "notes").mkdir()
    for target in ("notes", str(model.folder)):
        code, _, err = run("tune", "nuclei-2d", *folders, "-o", target, "--overwrite")
        assert (code, "folder" in err) == (1, True)
    assert (model.folder / "configs" / "metadata.json").is_file()


def test_folders_without_pairs_are_refused_in_a_sentence(run, folders, tmp_path) -> None:
    (tmp_path / "none").mkdir()
    code, _, err = run("tune", "nuclei-2d", "--images", "images", "--labels", "none", "-o", "mine")
    assert (code, "have the name of an image in images" in err) == (1, True)
