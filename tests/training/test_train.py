"""From labelled images to a model folder that says where it comes from."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.networks.utils import copy_model_state
from safetensors.torch import load_file

import napari_tally
from napari_tally import Volume
from napari_tally.core.errors import FileError, InputError, OutputExistsError
from napari_tally.core.progress import drain
from napari_tally.heads import Center, Panoptic, Semantic
from napari_tally.models.bundle import load_model, save_model
from napari_tally.training.data.labelled_image import Labelled
from napari_tally.training.data.preprocess import sample_of
from napari_tally.training.loop.loop import Learning
from napari_tally.training.plan.options import TrainingOptions
from napari_tally.training.plan.planner import plan_for, ready
from napari_tally.training.train import run_folder, training_steps

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = {
    "steps": 4, "batch": 2, "patch": (16, 16), "augmentation": "none", "device": "cpu",
    "workers": 0, "head": "boundary",
}  # fmt: skip


def _pair(seed: int, shape=(32, 32), **changes) -> Labelled:
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint8)
    for i, (y, x) in enumerate([(4, 4), (4, 20), (20, 4), (20, 20), (12, 12)], 1):
        labels[..., y : y + 7, x : x + 7] = i
    image = ((labels > 0) * 100 + rng.normal(0, 5, shape)).astype(np.float32)
    axes = "ZYX"[-len(shape) :]
    made = Labelled(f"s{seed}", Volume(image, axes, name=f"s{seed}"), Volume(labels, axes))
    return replace(made, **changes)


def _trained(folder, pairs=None, **changes):
    options = TrainingOptions(**({"kind": "instances"} | QUICK | changes))
    pairs = [_pair(i) for i in range(5)] if pairs is None else pairs
    return training_steps(pairs, folder / "model", options)


@pytest.fixture(scope="module")
def model(one_thread, tmp_path_factory):
    """Return the folder of a model that was trained for a few steps."""
    return drain(_trained(tmp_path_factory.mktemp("made"))).folder


def test_the_model_folder_says_where_the_model_comes_from(tmp_path) -> None:
    changes = {"licence": "CC-BY-4.0", "data": "Squares of numpy", "test": 0.2, "seed": 7}
    trained = drain(_trained(tmp_path, **changes))
    docs = tmp_path / "model" / "docs"
    card = (docs / "README.md").read_text("utf-8")
    for part in ("CC-BY-4.0", "Squares of numpy", "3 training images", "seed 7", "DynUNet",
                 "| validation |", "| test |", "4 steps", "curves.png", "sample.png"):  # fmt: skip
        assert part in card
    curves = iio.imread(docs / "curves.png")
    colours = {tuple(c) for c in curves[..., :3].reshape(-1, 3)[::7].tolist()}
    assert curves.shape[0] > 400 and len(colours) > 9
    assert napari_tally.read(docs / "sample.png").shape == (32, 64, 3)
    record = json.loads((docs / "training.json").read_text())
    assert record["split"]["training"] == list(trained.split.training)
    assert not run_folder(tmp_path / "model").exists()


def test_monai_loads_network_and_weights_without_us(model) -> None:
    parser = ConfigParser()
    parser.read_config(str(model / "configs" / "inference.json"))
    network = parser.get_parsed_content("network_def")
    weights = load_file(model / "models" / "model.safetensors")
    copy_model_state(network, weights)  # as monai.bundle.load does
    ours = load_model(model).networks[0].eval()
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(network.eval()(image), ours(image))


def test_the_model_segments_an_image_as_it_was_trained_to(model) -> None:
    result = napari_tally.segment(_pair(9).image, model, device="cpu")
    assert result.labels.shape == (32, 32)
    assert result.model["name"] == "model"


@pytest.mark.slow
def test_five_images_are_enough_to_segment_squares(tmp_path) -> None:
    trained = drain(_trained(tmp_path, steps=80, batch=4, patch=(32, 32), learning_rate=5e-3))
    result = napari_tally.segment(_pair(9).image, trained.folder, device="cpu")
    assert 4 <= result.count <= 6


def test_fine_tuning_keeps_network_head_and_grid(model, tmp_path) -> None:
    first = load_model(model)
    second = drain(_trained(tmp_path, start=str(model), kind=None, head="center"))
    assert second.info.head == first.info.head
    assert second.info.preprocessing == first.info.preprocessing
    assert second.plan.architecture == first.architecture
    assert second.plan.learning_rate == pytest.approx(2e-4)
    assert second.plan.start == "model"
    learnt = load_model(second.folder).networks[0].state_dict()
    before = first.networks[0].state_dict()
    other = second.plan.architecture.build().state_dict()
    name = next(name for name, w in before.items() if w.ndim == 4)
    assert (learnt[name] - before[name]).abs().mean() < 0.2 * (
        other[name] - before[name]
    ).abs().mean()


def test_of_a_mean_the_first_network_is_trained_further(model, tmp_path) -> None:
    first = load_model(model)
    before, other = (n.state_dict() for n in (first.networks[0], first.architecture.build()))
    further = [(first.architecture, other)]
    save_model(tmp_path / "mean", first.info, first.architecture, before, further)
    trained = drain(_trained(tmp_path, start=str(tmp_path / "mean"), kind=None))
    learnt = load_model(trained.folder)
    assert len(learnt.networks) == 1
    name = next(name for name, w in before.items() if w.ndim == 4)
    ahead, aside = (
        (learnt.networks[0].state_dict()[name] - w[name]).abs().mean() for w in (before, other)
    )
    assert ahead < 0.2 * aside


def test_dark_objects_are_made_bright_for_a_model_that_knows_bright_ones() -> None:
    rng = np.random.default_rng(0)
    grid = np.indices((96, 96))
    labels = np.zeros((96, 96), np.uint8)
    for i, (y, x) in enumerate([(20, 20), (20, 60), (60, 25), (65, 70)], 1):
        labels[np.hypot(grid[0] - y, grid[1] - x) < 10] = i
    bright = (labels > 0) * 100 + rng.normal(0, 5, labels.shape)
    for image, inverted in ((bright, False), (200 - bright, True)):
        pair = replace(_pair(0), image=Volume(image, "YX"), labels=Volume(labels, "YX"))
        options = TrainingOptions(start="nuclei-2d", device="cpu")
        plan = plan_for(ready([pair], options), options).plan
        assert plan.preprocessing.normalizer.inverted is inverted
    assert ", inverted" in " ".join(plan.lines())


def test_fine_tuning_takes_images_that_fit_the_model_only(tmp_path) -> None:
    with pytest.raises(InputError, match="class ids from 1 to 2"):
        stack = _pair(0, (8, 32, 32))
        drain(_trained(tmp_path, [stack], start="hippocampus-mr", patch=None))


def test_fine_tuning_adapts_the_first_layer_to_other_channels(tmp_path) -> None:
    one = _pair(0)
    grey = np.asarray(one.image.array)
    colour = replace(one, image=Volume(np.stack([grey] * 3), "CYX"))
    options = TrainingOptions(start="nuclei-2d", device="cpu")
    plan = plan_for(ready([colour], options), options).plan
    assert "first layer is adapted to 3 in" in " ".join(plan.lines())
    trained = drain(_trained(tmp_path, [colour], start="nuclei-2d"))
    model = load_model(trained.folder)
    assert model.trainable.in_channels == 3 == len(model.info.preprocessing.channels)


def test_class_ids_with_gaps_become_consecutive(tmp_path) -> None:
    pairs = []
    for i in range(2):
        labels = np.array([0, 2, 2, 7, 7, 2])[_pair(i).labels.array]
        pairs.append(_pair(i, labels=Volume(labels, "YX")))
    trained = drain(_trained(tmp_path, pairs, kind="classes"))
    assert isinstance(trained.info.head, Semantic)
    assert trained.info.head.classes == ("class 2", "class 7")
    sample, _ = sample_of(pairs[0], trained.info, trained.plan.class_ids)
    assert set(np.unique(sample.labels)) == {0, 1, 2}


def test_objects_with_classes_make_a_panoptic_model(tmp_path) -> None:
    kinds = np.where(_pair(0).labels.array > 2, 2, 1).astype(np.uint8)
    pairs = [_pair(i, classes=Volume(kinds, "YX")) for i in range(2)]
    trained = drain(_trained(tmp_path, pairs, kind=None, class_names=("ground", "square")))
    assert isinstance(trained.info.head, Panoptic)
    assert trained.info.head.class_names == ("ground", "square")


def test_only_the_annotated_region_is_trained_on_and_scored(tmp_path) -> None:
    known = np.zeros((32, 32), bool)
    known[:16] = True
    trained = drain(_trained(tmp_path, [_pair(i, known=known) for i in range(5)]))
    assert trained.split.validation
    assert all(np.isfinite(loss) for loss in trained.training.losses)


def test_slices_of_stacks_train_a_flat_model_and_stay_on_one_side(tmp_path) -> None:
    pairs = [_pair(i, (3, 32, 32)) for i in range(4)]
    seen = [step for step in _trained(tmp_path, pairs) if step.stage == "prepare the images"]
    assert [step.total for step in seen] == 9 * [9] + 3 * [3]


def test_closing_leaves_the_best_model_so_far_and_a_run_to_go_on_with(tmp_path) -> None:
    steps = _trained(tmp_path, steps=6)
    learnt = [next(s for s in steps if isinstance(s, Learning)) for _ in range(3)]
    steps.close()
    assert learnt[-1].done == 3
    card = (tmp_path / "model" / "docs" / "README.md").read_text()
    assert "stopped by the user" in card and "3 steps" in card
    assert load_model(tmp_path / "model").info.head.name == "boundary"
    with pytest.raises(OutputExistsError):
        drain(_trained(tmp_path, steps=6))
    resumed = drain(_trained(tmp_path, steps=2, licence="other", resume=True))
    assert resumed.training.step == 6
    assert resumed.info.licence == "not stated"
    assert "stopped" not in (tmp_path / "model" / "docs" / "README.md").read_text()


def test_a_resumed_run_needs_its_images(tmp_path) -> None:
    steps = _trained(tmp_path)
    next(s for s in steps if isinstance(s, Learning))
    steps.close()
    with pytest.raises(InputError, match="of the stopped run is missing"):
        drain(_trained(tmp_path, [_pair(8)], resume=True))
    with pytest.raises(InputError, match="no stopped run"):
        drain(_trained(tmp_path / "other", resume=True))


def test_a_model_that_exists_is_refused_before_anything_is_read(model, tmp_path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(OutputExistsError, match="exists and holds no model"):
        next(_trained(tmp_path))
    (tmp_path / "model").rmdir()
    shutil.copytree(model, tmp_path / "model")
    with pytest.raises(OutputExistsError, match="Use --overwrite"):
        next(_trained(tmp_path))
    drain(_trained(tmp_path, overwrite=True, licence="CC0-1.0", steps=1))
    assert load_model(tmp_path / "model").info.licence == "CC0-1.0"


def test_nan_and_empty_labels_are_reported(tmp_path) -> None:
    odd = _pair(0)
    odd.image.array[0, :3] = np.nan
    empty = _pair(1, labels=Volume(np.zeros((32, 32), np.uint8), "YX"))
    notes = [step.note for step in _trained(tmp_path, [odd, empty], steps=2)]
    assert "3 voxels of s0 are NaN or infinite; they are set to background" in notes
    assert any(note.startswith("Nothing is labelled in s1") for note in notes)
    assert any("fewer than 4 images (2)" in note for note in notes)


def test_one_object_is_enough_to_begin(tmp_path) -> None:
    one = _pair(0, labels=Volume((_pair(0).labels.array == 5).astype(np.uint8), "YX"))
    assert isinstance(drain(_trained(tmp_path, [one], head="center")).info.head, Center)


def test_arrays_are_trained_on_from_python(tmp_path) -> None:
    pairs = [(p.image.array, p.labels.array) for p in map(_pair, range(2))]
    seen: list[Learning] = []

    def note(step) -> None:
        if isinstance(step, Learning):
            seen.append(step)

    trained = napari_tally.train(pairs, tmp_path / "m", on_step=note, kind="instances", **QUICK)
    assert [step.done for step in seen] == [1, 2, 3, 4]
    assert all(np.isfinite(step.loss) for step in seen)
    assert trained.lines()[0].startswith("4 steps")


def _killed(folder: Path, done: int, **options) -> None:
    """Leave what a training leaves that is killed after so many steps."""
    before = folder / "before"
    run = _trained(folder, **options)
    for _ in range(done):
        next(s for s in run if isinstance(s, Learning))
    shutil.copytree(run_folder(folder / "model"), before)
    run.close()
    shutil.rmtree(folder / "model", ignore_errors=True)
    shutil.rmtree(run_folder(folder / "model"))
    before.rename(run_folder(folder / "model"))


def test_a_killed_run_goes_on_with_the_same_options_and_images(tmp_path) -> None:
    whole = drain(_trained(tmp_path / "whole", steps=6))
    _killed(tmp_path, 3, steps=6)
    resumed = drain(_trained(tmp_path, steps=6))
    assert resumed.training.step == 6
    assert resumed.training.losses == pytest.approx(whole.training.losses, rel=1e-4)
    assert not run_folder(tmp_path / "model").exists()


def test_a_killed_run_does_not_go_on_with_other_options_or_images(tmp_path) -> None:
    _killed(tmp_path, 3, steps=6)
    with pytest.raises(OutputExistsError, match="contains a stopped run"):
        drain(_trained(tmp_path, steps=7))
    others = [_pair(i, (40, 40)) for i in range(5)]
    with pytest.raises(OutputExistsError, match="contains a stopped run"):
        drain(_trained(tmp_path, others, steps=6))


def test_a_run_that_was_killed_before_its_plan_starts_anew(tmp_path) -> None:
    run_folder(tmp_path / "model").mkdir(parents=True)
    with pytest.raises(InputError, match="no stopped run"):
        drain(_trained(tmp_path, resume=True))
    assert drain(_trained(tmp_path)).training.step == QUICK["steps"]


def test_a_folder_of_others_is_not_taken_for_a_run(tmp_path) -> None:
    run_folder(tmp_path / "model").mkdir(parents=True)
    (run_folder(tmp_path / "model") / "thesis.docx").touch()
    with pytest.raises(OutputExistsError, match=r"such as thesis\.docx"):
        drain(_trained(tmp_path, overwrite=True))
    assert (run_folder(tmp_path / "model") / "thesis.docx").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[" * 200_000, b"[]", None],
    ids=["", "bytes", "deep", "list", "batch"],
)
def test_a_damaged_plan_is_refused_in_a_sentence(tmp_path, content) -> None:
    _killed(tmp_path, 1, steps=6)
    plan = run_folder(tmp_path / "model") / "plan.json"
    if content is None:
        found = json.loads(plan.read_text())
        found["plan"]["batch"] = found["plan"]["workers"] = 10**9
        content = json.dumps(found).encode()
    plan.write_bytes(content)
    with pytest.raises(FileError, match="cannot be read"):
        drain(_trained(tmp_path, steps=6, resume=True))


def test_two_processes_do_not_train_one_model(tmp_path) -> None:
    first = _trained(tmp_path)
    next(first)
    with pytest.raises(FileError, match="is being trained by another process"):
        drain(_trained(tmp_path))
    first.close()
