"""The loop: it stops on request or without improvement, and recovers from bad steps."""

from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_tally.core.errors import FileError, InputError, ModelError
from napari_tally.core.progress import drain
from napari_tally.heads import Semantic
from napari_tally.network.architectures import UNet
from napari_tally.network.tile_layout import Tiling
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.loop.checkpoint import best_weights, last_weights
from napari_tally.training.loop.learner import Learner
from napari_tally.training.loop.loop import Hyperparameters, Learning, Sample, train_steps

pytestmark = pytest.mark.usefixtures("one_thread")

PLAIN = Augmentation(share=0, zoom=(1, 1), zoom_share=0, turn_share=0)


def _sample(seed: int) -> Sample:
    rng = np.random.default_rng(seed)
    labels = np.zeros((16, 16), np.uint8)
    labels[4:12, 4:12] = 1
    image = labels + 0.1 * rng.normal(size=labels.shape)
    return Sample(f"s{seed}", image[None].astype(np.float32), labels)


def _options(**changes) -> Hyperparameters:
    values = {
        "architecture": UNet(channels=(4, 8), strides=(2,), num_res_units=0, out_channels=2),
        "head": Semantic(), "augmentation": PLAIN, "patch": (16, 16), "batch": 4, "steps": 12,
        "warmup": 2, "workers": 0, "validate_every": 4, "checkpoint_every": 4, "ema": 0.5,
        "learning_rate": 1e-2, "tiling": Tiling(tile=16, halo=0, mirror=0),
    }  # fmt: skip
    return Hyperparameters(**(values | changes))


def _run(folder: Path, validation=(), **changes):
    return train_steps([_sample(0), _sample(1)], validation, _options(**changes), folder, "cpu")


def _learnings(steps) -> list[Learning]:
    return [step for step in steps if isinstance(step, Learning)]


@pytest.fixture
def diverging(monkeypatch):
    """Make the losses of given steps NaN; return the rates of all steps."""

    def break_steps(*bad: int) -> list[float]:
        rates: list[float] = []
        true_step = Learner.step

        def step(self, image, target, rate, parts=1):
            rates.append(rate)
            if len(rates) in bad:
                image = image * torch.nan
            return true_step(self, image, target, rate, parts)

        monkeypatch.setattr(Learner, "step", step)
        return rates

    return break_steps


def test_a_loss_that_is_not_finite_restores_weights_and_halves_the_rate(
    tmp_path, diverging
) -> None:
    rates = diverging(7)
    notes = [step.note for step in _learnings(_run(tmp_path))]
    assert notes[6] == (
        "Step 7: the loss is not finite; "
        "restored the weights of step 4 and halved the learning rate"
    )
    assert rates[7] == pytest.approx(_options().rate(7) / 2)
    weights = torch.load(tmp_path / "best.pt", weights_only=True)
    assert all(w.isfinite().all() for w in weights.values() if w.is_floating_point())


def test_bad_steps_restore_the_weights_of_the_last_checkpoint(tmp_path, diverging) -> None:
    diverging(6, 7, 8)
    before = None
    for step in _learnings(_run(tmp_path, steps=8, validate_every=8)):
        saved = torch.load(tmp_path / "last.pt", weights_only=True)
        before = saved["network"] if step.done == 4 else before
    assert all(torch.equal(saved["network"][k], before[k]) for k in before)
    assert saved["state"]["slowdown"] == 1 / 8


def test_the_run_ends_when_the_score_stays_as_it_is(tmp_path) -> None:
    state = drain(_run(tmp_path, [_sample(5)], steps=60, validate_every=1, patience=2))
    assert state.step < 60
    assert state.stopped == "stopped early: no better score in 2 validations"
    assert state.best_score == max(score["mean_dice"] for score in state.scores)


def test_a_run_that_is_closed_keeps_weights_and_goes_on_where_it_was(tmp_path) -> None:
    whole = drain(_run(tmp_path / "whole"))
    steps = _run(tmp_path / "part")
    for _ in range(3):
        next(steps)
    steps.close()
    assert torch.load(tmp_path / "part" / "best.pt", weights_only=True)
    resumed = drain(_run(tmp_path / "part"))
    assert resumed.step == 12
    assert resumed.losses == pytest.approx(whole.losses, rel=1e-3)


def test_closing_in_the_middle_of_a_validation_loses_nothing(tmp_path) -> None:
    steps = _run(tmp_path, [_sample(5), _sample(6)])
    while next(steps).stage != "validate":
        pass
    steps.close()
    saved = torch.load(tmp_path / "last.pt", weights_only=True)
    assert saved["state"]["step"] == 4
    resumed = drain(_run(tmp_path, [_sample(5), _sample(6)]))
    assert [score["step"] for score in resumed.scores] == [4, 8, 12]
    assert len(resumed.losses) == 12


def test_short_memory_splits_the_batch_but_not_the_gradient(tmp_path, monkeypatch) -> None:
    easy = drain(_run(tmp_path / "easy"))
    seen = []
    true_forward = Learner._add_gradient

    def forward(self, image, target, share):
        if len(image) > 1:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        seen.append(len(image))
        return true_forward(self, image, target, share)

    monkeypatch.setattr(Learner, "_add_gradient", forward)
    learnings = _learnings(steps := _run(tmp_path / "hard"))
    assert learnings[0].note == "Out of memory: splitting batches of 4 patches into 4 parts"
    assert [bool(step.note) for step in learnings[1:3]] == [False, False]
    assert len(seen) == 12 * 4
    assert learnings[0].loss == pytest.approx(easy.losses[0], rel=0.1)
    assert steps.gi_frame is None


def test_too_little_memory_for_one_patch_is_reported(tmp_path, monkeypatch) -> None:
    def forward(self, *args):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Learner, "_add_gradient", forward)
    with pytest.raises(InputError, match="smaller patch"):
        drain(_run(tmp_path))


@contextmanager
def full_disk():
    """Let no file grow beyond 64 bytes, as a full disk does; not even the one pytest writes to."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_reported_before_the_first_step(tmp_path) -> None:
    wanted = r"last\.pt cannot be written"
    with full_disk(), pytest.raises(FileError, match=wanted):
        next(_run(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_damaged_checkpoint_is_refused(tmp_path) -> None:
    (tmp_path / "last.pt").write_bytes(b"PK\x03\x04 no more than this")
    with pytest.raises(FileError, match="cannot be read"):
        drain(_run(tmp_path))


def test_a_checkpoint_of_another_network_is_refused(tmp_path) -> None:
    drain(_run(tmp_path, steps=4))
    other = UNet(channels=(8, 16), strides=(2,), num_res_units=0, out_channels=2)
    with pytest.raises(ModelError, match="of another network"):
        drain(_run(tmp_path, architecture=other))


@pytest.mark.parametrize(
    "change",
    [
        lambda saved: saved.pop("state"),
        lambda saved: saved.update(state="none"),
        lambda saved: saved["state"].update(step="three"),
        lambda saved: saved["state"].update(losses=3),
        lambda saved: saved.pop("optimizer"),
        lambda saved: saved.update(optimizer=[1]),
        lambda saved: saved.update(network={"a": torch.zeros(1)}),
        lambda saved: saved.update(average=3),
    ],
)
def test_an_odd_checkpoint_is_refused_in_a_sentence(tmp_path, change) -> None:
    drain(_run(tmp_path, steps=4))
    saved = torch.load(tmp_path / "last.pt", weights_only=True)
    change(saved)
    torch.save(saved, tmp_path / "last.pt")
    with pytest.raises(ModelError, match="or damaged"):
        drain(_run(tmp_path, steps=8))


@pytest.mark.parametrize("content", [[1], 3, torch.zeros(2)])
def test_a_checkpoint_of_something_else_is_refused(tmp_path, content) -> None:
    torch.save(content, tmp_path / "last.pt")
    with pytest.raises(FileError, match="not the state of a training"):
        drain(_run(tmp_path))


def test_a_checkpoint_of_a_later_version_goes_on_without_the_fields_we_do_not_know(
    tmp_path,
) -> None:
    drain(_run(tmp_path, steps=4))
    saved = torch.load(tmp_path / "last.pt", weights_only=True)
    saved["state"]["from_the_future"] = 7
    torch.save(saved, tmp_path / "last.pt")
    assert drain(_run(tmp_path, steps=8)).step == 8


def test_a_batch_that_no_memory_holds_is_refused_at_once(tmp_path) -> None:
    with pytest.raises(InputError, match=r"GiB of memory.*smaller batch"):
        drain(_run(tmp_path, batch=2**14, patch=(2**13, 2**13)))


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import importlib.util
spec = importlib.util.spec_from_file_location("test_loop", {file!r})
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
from napari_tally.training.loop import checkpoint, course as train
def save(content, path, true=checkpoint.save):
    if content.get("state", {{}}).get("step") == 8:
        with checkpoint.replacing(path) as part:
            part.write_bytes(b"half of it")
            os.kill(os.getpid(), signal.SIGKILL)
    true(content, path)
train.save = save
for _ in tests._run(Path({folder!r})):
    pass
"""


def test_a_run_killed_in_the_middle_of_a_checkpoint_comes_to_the_same_curve(tmp_path) -> None:
    whole = drain(_run(tmp_path / "whole"))
    folder = tmp_path / "killed"
    code = KILLED.format(tests=str(Path(__file__).parents[2]), file=__file__, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    assert any(path.name.startswith(".part-") for path in folder.iterdir())
    resumed = drain(_run(folder))
    assert resumed.losses == pytest.approx(whole.losses, rel=1e-3)


def test_the_weights_of_the_last_checkpoint_can_be_looked_at(tmp_path) -> None:
    drain(_run(tmp_path))
    last, best = last_weights(tmp_path), best_weights(tmp_path)
    assert last.keys() == best.keys()
    assert all(torch.equal(last[name], best[name]) for name in best)


def test_the_time_that_was_waited_for_data_is_known(tmp_path) -> None:
    state = drain(_run(tmp_path))
    assert 0 < state.waiting < 1
    assert state.waited > 0 and state.seconds > 0


def test_without_tensorboard_its_log_files_are_left_out_with_one_line(
    tmp_path, caplog, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with caplog.at_level(logging.INFO, "napari_tally"):
        drain(_run(tmp_path, tensorboard=True))
    assert [r.message for r in caplog.records if "TensorBoard" in r.message] == [
        "TensorBoard logs are off: install the package tensorboard."
    ]


def test_what_is_not_known_of_the_validation_is_not_scored(tmp_path) -> None:
    good = _sample(5)
    wrong = replace(good, labels=np.where(np.arange(16) < 8, good.labels, 1).astype(np.uint8))
    known = np.broadcast_to(np.arange(16) < 8, (16, 16)).copy()
    state = {
        name: drain(_run(tmp_path / name, [sample], steps=4)).best_score
        for name, sample in (
            ("good", replace(good, known=known)),
            ("part", replace(wrong, known=known)),
        )
    }
    assert state["part"] == state["good"]
