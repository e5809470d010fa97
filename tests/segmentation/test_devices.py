"""Objects do not depend on the device, nor on its numerical precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_tally import Volume, load_model, segment
from napari_tally.core.progress import drain
from napari_tally.heads import Flow
from napari_tally.heads.validation_score import dice_per_class
from napari_tally.metrics.match import match
from napari_tally.network.architectures import UNet
from napari_tally.simulate.mixed import CellsOnTissue
from napari_tally.simulate.nuclei import NucleiField
from napari_tally.simulate.phantom import BrainPhantom
from napari_tally.training.loop.loop import Hyperparameters, Sample, train_steps

PANOPTIC = Path(__file__).parents[1] / "fixtures" / "cells-on-tissue"
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
BESIDE = [{"precision": "float32"}, pytest.param({"device": "cuda"}, marks=on_gpu)]
FIELDS = {
    "nuclei-2d": NucleiField(shape=(400, 400), diameter_um=10, count=250, touching=0.5),
    "nuclei-3d": NucleiField(
        shape=(48, 96, 96), spacing_um=(1, 1, 1), diameter_um=15, count=60, photons=80
    ),
    str(PANOPTIC): CellsOnTissue(),
}
UNITS = {"device": "cpu", "precision": "bfloat16"}


@pytest.mark.slow
@pytest.mark.parametrize("other", BESIDE, ids=lambda o: next(iter(o.values())))
@pytest.mark.parametrize("name", FIELDS, ids=lambda n: Path(n).name)
def test_objects_are_the_same(name, other) -> None:
    image, *_ = FIELDS[name].draw()
    model = load_model(name)
    one, two = (segment(image, model, **{**UNITS, **changes}) for changes in ({}, other))
    assert one.labels.max() > 10
    assert match(one.labels, two.labels, [0.5])[0].ap >= 0.995


@pytest.mark.parametrize("other", BESIDE, ids=lambda o: next(iter(o.values())))
def test_classes_are_the_same(other) -> None:
    image, _ = BrainPhantom().draw()
    volume = Volume(image, "ZYX", (1.0, 1.0, 1.0), "mm")
    one, two = (
        np.asarray(segment(volume, "hippocampus-mr", **{**UNITS, **changes}).classes.array)
        for changes in ({}, other)
    )
    assert min(dice_per_class([one], [two], 2)) > 0.995


@on_gpu
def test_a_gpu_trains(tmp_path) -> None:
    image, labels = NucleiField(shape=(128, 128), diameter_um=10, count=40).draw()
    sample = Sample("a", (image / image.max())[None].astype(np.float32), labels.astype(np.uint16))
    head = Flow()
    options = Hyperparameters(
        architecture=UNet(channels=(8, 16, 32), strides=(2, 2), out_channels=head.channels(2)),
        head=head, patch=(64, 64), batch=4, steps=100, warmup=5, validate_every=50, workers=0,
        learning_rate=1e-2, ema=0.9,
    )  # fmt: skip
    state = drain(train_steps([sample], [sample], options, tmp_path, "cuda"))
    assert np.mean(state.losses[-10:]) < 0.7 * np.mean(state.losses[:10])
