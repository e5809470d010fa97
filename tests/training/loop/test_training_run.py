"""Training: it learns, it goes on where it was killed, and it survives NaN."""

from __future__ import annotations

import itertools
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from monai.data import get_track_meta
from pydantic import ValidationError

from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.features.measure import measure
from napari_tally.heads import Boundary, Center, Flow, Semantic
from napari_tally.network.architectures import DynUNet, UNet
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.patch_sampler import Patches, Sample
from napari_tally.training.loop.learner import Learner
from napari_tally.training.loop.loop import Hyperparameters, train_steps

pytestmark = pytest.mark.usefixtures("one_thread")


def _sample(seed: int, shape=(64, 64)) -> Sample:
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint16)
    grid = np.stack(np.indices(shape), -1)
    for i, point in enumerate(rng.uniform(8, min(shape) - 8, (4, len(shape))), 1):
        labels[((grid - point) ** 2).sum(-1) < 36] = i
    image = (labels > 0) + 0.1 * rng.normal(size=shape)
    return Sample(f"s{seed}", image[None].astype(np.float32), labels)


def _options(**changes) -> Hyperparameters:
    values = {
        "architecture": UNet(channels=(8, 16), strides=(2,), num_res_units=1, out_channels=3),
        "head": Boundary(), "patch": (32, 32), "batch": 4, "steps": 60, "warmup": 5, "workers": 0,
        "validate_every": 30, "checkpoint_every": 10, "learning_rate": 1e-2, "ema": 0.9,
    }  # fmt: skip
    return Hyperparameters(**(values | changes))


def test_the_loss_falls_and_the_score_rises(tmp_path) -> None:
    samples = [_sample(i) for i in range(4)]
    state = drain(train_steps(samples, samples[:2], _options(), tmp_path, "cpu"))
    assert np.mean(state.losses[-10:]) < 0.6 * np.mean(state.losses[:10])
    assert state.best_score > 0.2
    assert json.loads((tmp_path / "log.json").read_text())["step"] == 60
    assert torch.load(tmp_path / "best.pt", weights_only=True)


def test_a_killed_run_sees_the_same_data_when_it_goes_on(tmp_path) -> None:
    samples = [_sample(i) for i in range(3)]
    options = _options(steps=20, validate_every=20)
    whole = drain(train_steps(samples, [], options, tmp_path / "whole", "cpu"))
    for _ in itertools.islice(train_steps(samples, [], options, tmp_path / "part", "cpu"), 14):
        pass
    resumed = drain(train_steps(samples, [], options, tmp_path / "part", "cpu"))
    assert resumed.step == 20
    assert resumed.losses == pytest.approx(whole.losses, rel=0.05)


def test_crops_are_made_in_another_process_after_compiled_loops_have_run_here(tmp_path) -> None:
    samples = [_sample(i) for i in range(2)]
    measure(samples[0].labels)  # a parallel loop: a process that is forked then may run none
    network = UNet(channels=(8, 16), strides=(2,), num_res_units=1, out_channels=4)
    options = _options(
        architecture=network, head=Flow(), steps=2, batch=2, validate_every=2, workers=1
    )
    alone = options.model_copy(update={"workers": 0})
    found, expected = (
        drain(train_steps(samples, [], o, tmp_path / str(o.workers), "cpu"))
        for o in (options, alone)
    )
    assert found.losses == pytest.approx(expected.losses, rel=1e-3)


def test_coarser_levels_learn_too_each_for_half_as_much() -> None:
    network = DynUNet(
        kernel_size=(3, 3, 3, 3), strides=(1, 2, 2, 2), filters=(4, 8, 16, 32),
        deep_supervision=True, deep_supr_num=2,
    )  # fmt: skip
    learner = Learner(_options(architecture=network, head=Semantic()), "cpu")
    output, target = torch.rand(2, 3, 2, 8, 8), torch.zeros(2, 2, 8, 8)
    target[:, 1] = 1
    losses = [float(Semantic().loss(one, target)) for one in output.unbind(1)]
    expected = (4 * losses[0] + 2 * losses[1] + losses[2]) / 7
    assert float(learner._loss(output, target)) == pytest.approx(expected)
    image, truth = torch.rand(2, 1, 32, 32), torch.zeros(2, 2, 32, 32)
    truth[:, 0] = 1
    first, *_, last = [learner.step(image, truth, 1e-2) for _ in range(6)]
    assert last < first
    assert learner.averaged.eval()(image).shape == (2, 2, 32, 32)


def test_crops_are_the_same_whoever_asks() -> None:
    samples = [_sample(i) for i in range(3)]
    one = Patches(samples, Center(), Augmentation(), (32, 32), 10, seed=1)
    other = Patches(samples, Center(), Augmentation(), (32, 32), 10, seed=1, first=4)
    assert torch.equal(one[7][0], other[3][0])
    assert torch.equal(one[7][1], other[3][1])
    assert not torch.equal(one[7][0], one[6][0])


@pytest.mark.parametrize("head", [Flow(), Center()], ids=["flow", "center"])
def test_crops_of_a_batch_are_those_that_are_made_one_by_one(head) -> None:
    sample = replace(_sample(0), known=np.arange(64 * 64).reshape(64, 64) > 1000)
    crops = Patches([sample, _sample(1)], head, Augmentation(), (32, 32), 20, seed=1)
    images, targets = crops.batch([3, 0, 12, 7, 8])
    assert targets.isnan().any()
    for image, target, index in zip(images, targets, [3, 0, 12, 7, 8], strict=True):
        assert torch.equal(image, crops[index][0])
        torch.testing.assert_close(target, crops[index][1], rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("patch", [(32, 32), (16, 24, 32)])
def test_crops_are_the_same_however_many_threads_make_them(patch, monkeypatch) -> None:
    turned = Augmentation(turn_share=0.5, zoom_share=0.5, warp=1, share=0)
    crops = Patches([_sample(0, (32,) * len(patch))], Flow(), turned, patch, 9, seed=1)
    found = []
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=threads: n)
        found.append(crops.batch(range(6)))
    (images, targets), (same_images, same_targets) = found
    assert torch.equal(images, same_images) and torch.equal(targets, same_targets)


def test_crops_made_in_threads_leave_the_notes_of_monai_as_they_were() -> None:
    every = [
        Patches([_sample(0)], Boundary(), Augmentation(), (32, 32), 9, seed=1) for _ in range(3)
    ]
    with ThreadPoolExecutor(len(every)) as pool:
        made = list(pool.map(lambda crops: [crops[i][0] for i in range(9)], every))
    assert get_track_meta()
    assert all(torch.equal(a, b) for other in made for a, b in zip(made[0], other, strict=True))


def test_crops_can_be_sent_to_another_process() -> None:
    crops = Patches([_sample(0)], Center(), Augmentation(), (32, 32), 2, seed=1)
    image, target = crops[1]
    sent = pickle.loads(pickle.dumps(crops))
    assert torch.equal(sent[1][0], image) and torch.equal(sent[1][1], target)


def test_a_heavier_image_is_drawn_more_often() -> None:
    samples = [replace(_sample(0), image=np.zeros((1, 64, 64), np.float32)), _sample(1)]
    samples[1] = replace(samples[1], weight=3.0)
    plain = Augmentation(share=0, zoom_share=0)
    crops = Patches(samples, Center(), plain, (64, 64), 200, seed=0)
    drawn = np.mean([bool(crops[i][0].any()) for i in range(200)])
    assert 0.65 < drawn < 0.85


def test_crops_that_are_not_turned_keep_their_sharpness() -> None:
    sample = _sample(0, (50, 90))  # smaller than the crop in one axis
    plain = Augmentation(share=0, zoom_share=0, turn_share=0)
    crops = Patches([sample], Boundary(), plain, (64, 64), 20, seed=0)
    for image, target in (crops[i] for i in range(20)):
        assert image.shape == (1, 64, 64) and target.shape == (3, 64, 64)
        assert np.isin(image.numpy(), sample.image).all()


def test_shares_of_more_than_all_crops_are_refused() -> None:
    with pytest.raises(ValidationError, match="together"):
        Augmentation(zoom_share=0.6, turn_share=0.5)


def test_a_run_can_start_from_the_weights_of_another(tmp_path) -> None:
    samples = [_sample(i) for i in range(2)]
    first = drain(train_steps(samples, samples, _options(), tmp_path / "a", "cpu"))
    weights = torch.load(tmp_path / "a" / "best.pt", weights_only=True)
    short = _options(steps=2, learning_rate=1e-5, validate_every=2)
    more = drain(train_steps(samples, samples, short, tmp_path / "b", "cpu", weights))
    fresh = drain(train_steps(samples, samples, short, tmp_path / "c", "cpu"))
    assert more.losses[0] < 0.8 * fresh.losses[0]
    assert more.best_score > 0.8 * first.best_score


def test_targets_lie_on_the_augmented_image() -> None:
    quiet = Augmentation(share=0, noise=0, background=0)
    crops = Patches([_sample(1)], Center(), quiet, (32, 32), 20, seed=0)
    inside, outside = [], []
    for i in range(20):
        image, target = crops[i]
        inside += image[0][target[1] > 0].tolist()
        outside += image[0][target[0] > 0].tolist()
    assert np.mean(inside) > 0.8
    assert np.mean(outside) < 0.2


def test_crops_work_in_3d() -> None:
    crops = Patches([_sample(0, (24, 32, 32))], Center(), Augmentation(), (16, 16, 16), 2, seed=0)
    image, target = crops[1]
    assert image.shape == (1, 16, 16, 16)
    assert target.shape == (7, 16, 16, 16)


def test_nan_in_an_image_ends_in_a_sentence_not_in_nan_weights(tmp_path) -> None:
    bad = Sample("bad", np.full((1, 64, 64), np.nan, np.float32), np.zeros((64, 64), np.uint16))
    with pytest.raises(InputError, match="Training diverged"):
        drain(train_steps([bad], [], _options(), tmp_path, "cpu"))


def test_nothing_to_train_on_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="labelled image"):
        drain(train_steps([], [], _options(), tmp_path, "cpu"))


@pytest.mark.parametrize("changes", [{"patch": (31, 32)}, {"head": Center()}, {"patch": (32,)}])
def test_a_recipe_that_does_not_fit_is_refused(changes) -> None:
    with pytest.raises(ValidationError):
        _options(**changes)


def test_the_rate_warms_up_and_falls() -> None:
    rates = [_options(steps=100, warmup=10).rate(s) for s in range(100)]
    assert np.argmax(rates) in (9, 10)
    assert rates[0] < rates[9] and rates[99] < 0.05 * rates[10]


def test_a_semantic_model_is_trained_on_class_ids_and_chosen_by_dice(tmp_path) -> None:
    samples = [_sample(i, (16, 24, 24)) for i in range(2)]
    samples = [replace(s, labels=np.where(s.labels > 2, 2, s.labels > 0)) for s in samples]
    options = _options(
        architecture=UNet(
            spatial_dims=3, channels=(8, 16), strides=(2,), num_res_units=1, out_channels=3
        ),
        head=Semantic(classes=("left", "right")),
        augmentation=Augmentation(angle=0.2, mirrored=(2,), right_angles=False, share=0),
        patch=(16, 24, 16),
        batch=2,
        steps=12,
        validate_every=12,
    )
    state = drain(train_steps(samples, samples, options, tmp_path, "cpu"))
    assert set(state.scores[-1]) == {"step", "dice left", "dice right", "mean_dice"}
    assert np.mean(state.losses[-3:]) < np.mean(state.losses[:3])


def test_axes_that_may_not_be_mirrored_are_not() -> None:
    ramp = np.broadcast_to(np.arange(16.0, dtype=np.float32)[:, None, None], (16, 16, 16))
    sample = Sample("ramp", ramp[None].copy(), np.zeros((16, 16, 16), np.uint8))
    still = Augmentation(share=0, zoom_share=0, turn_share=0, mirrored=(2,), right_angles=False)
    crops = Patches([sample], Semantic(), still, (16, 16, 16), 8, seed=0)
    assert all(np.array_equal(crops[i][0][0], ramp) for i in range(8))


def test_crops_show_every_part_of_an_image_in_every_pose() -> None:
    places = np.arange(1.0, 10).reshape(3, 3).astype(np.float32)
    image = places.repeat(16, 0).repeat(16, 1)
    sample = Sample("places", image[None], np.zeros((48, 48), np.uint8))
    plain = Augmentation(share=0, zoom=(1, 1), zoom_share=0, turn_share=0)
    crops = Patches([sample], Semantic(), plain, (16, 16), 300, seed=0)
    seen = np.concatenate([crops[i][0].unique() for i in range(300)])
    assert np.unique(seen).tolist() == list(range(1, 10))
    ramp = Sample("ramp", np.arange(64.0, dtype=np.float32).reshape(1, 8, 8), sample.labels[:8, :8])
    crops = Patches([ramp], Semantic(), plain, (8, 8), 100, seed=0)
    poses = {tuple(crops[i][0][0, ::7, ::7].flatten().tolist()) for i in range(100)}
    assert len(poses) == 8  # four turns, mirrored or not


@pytest.mark.parametrize("shape", [(96, 96), (24, 24, 24)])
def test_warped_crops_keep_image_and_labels_together(shape) -> None:
    labels = np.zeros(shape, np.uint8)
    labels[tuple(slice(n // 4, n - n // 4) for n in shape)] = 1
    sample = Sample("box", labels[None].astype(np.float32), labels)
    bent = Augmentation(
        share=0, zoom=(1, 1), zoom_share=0, turn_share=1, angle=0, shift=0, warp=2, mirrored=()
    )
    stiff = bent.model_copy(update={"warp": 0})
    shares = {}
    for name, augmentation in (("bent", bent), ("stiff", stiff)):
        crops = Patches([sample], Semantic(), augmentation, shape, 6, seed=0)
        found = [crops[i] for i in range(6)]
        for image, target in found:
            apart = (image[0] > 0.5) != (target[1] > 0.5)
            assert apart.float().mean() < 0.01
        shares[name] = np.mean([(t[1].numpy() != labels).mean() for _, t in found])
    assert shares["bent"] > shares["stiff"]


def test_one_of_several_channels_is_blank_now_and_then() -> None:
    image = np.ones((3, 32, 32), np.float32)
    sample = Sample("a", image, np.zeros((32, 32), np.uint8))
    plain = Augmentation(share=0, zoom=(1, 1), zoom_share=0, turn_share=0, drop=0.5)
    crops = Patches([sample], Semantic(), plain, (32, 32), 20, seed=0)
    lit = [int(crops[i][0].amax((1, 2)).sum()) for i in range(20)]
    assert set(lit) == {2, 3}
    alone = Patches([replace(sample, image=image[:1])], Semantic(), plain, (32, 32), 20, seed=0)
    assert all(alone[i][0].min() == 1 for i in range(20))
