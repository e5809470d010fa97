"""Every architecture can be trained, saved, loaded and used, in 2D and in 3D."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import napari_tally
from napari_tally.core.errors import InputError
from napari_tally.network.architectures import ARCHITECTURES, Demand, architecture
from napari_tally.training.loop.learner import _warming_average

SIZES = {2: 48, 3: 32}


def blobs(ndim: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return an image with its labels, two boxes."""
    labels = np.zeros((SIZES[ndim],) * ndim, np.uint8)
    labels[(slice(2, 11),) * ndim], labels[(slice(16, 26),) * ndim] = 1, 2
    return [((labels > 0) * np.uint8(100), labels)]


CASES = [
    pytest.param(name, ndim, marks=[pytest.mark.slow] * (ndim == 3 and bool(kind.requires)))
    for name, kind in ((name, ARCHITECTURES[name]) for name in ARCHITECTURES)
    for ndim in (2, 3)
    if (name, ndim) != ("SegFormer", 3)
]


@pytest.mark.parametrize(("name", "ndim"), CASES)
def test_two_steps_make_a_model_that_segments(name, ndim, tmp_path, monkeypatch) -> None:
    if ARCHITECTURES[name].requires:
        pytest.importorskip(ARCHITECTURES[name].requires)
    monkeypatch.setattr(Demand, "width", 8)  # the tests have little time
    trained = napari_tally.train(
        blobs(ndim), tmp_path / "model", architecture=name, steps=2, batch=1, ndim=ndim,
        kind="instances" if ndim == 2 else "classes", device="cpu",
    )  # fmt: skip
    network = trained.plan.architecture
    assert network.name == name and trained.training.step == 2
    assert network.fit(trained.plan.patch) == trained.plan.patch
    model = napari_tally.load_model(trained.folder)
    assert model.architecture == network
    # Twice as long as the training image, so that several tiles may be needed.
    image = np.concatenate([blobs(ndim)[0][0]] * 2, axis=-1)
    found = napari_tally.segment(image, model, device="cpu")
    labels = found.labels if found.classes is None else found.classes.array
    assert labels.shape == image.shape


def test_a_network_for_images_refuses_stacks(tmp_path) -> None:
    with pytest.raises(InputError, match="SegFormer takes 2D images only"):
        napari_tally.train(
            blobs(3), tmp_path / "model", architecture="SegFormer", ndim=3, device="cpu"
        )


@pytest.mark.parametrize("name", [n for n in ARCHITECTURES if ARCHITECTURES[n].requires])
def test_a_missing_package_is_named_before_training(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(architecture, "find_spec", lambda _: None)
    package = ARCHITECTURES[name].requires
    with pytest.raises(InputError, match=f"{name} needs the package {package}"):
        napari_tally.train(blobs(2), tmp_path / "model", architecture=name, device="cpu")
    assert not (tmp_path / "model").exists()


def test_tables_of_indices_are_not_averaged() -> None:
    average, current = [torch.full((3,), 3)], [torch.full((3,), 7)]
    _warming_average(0.999)(average, current, 5000)
    assert average[0].tolist() == [7, 7, 7]
