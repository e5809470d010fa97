"""A smooth deformation is that of MONAI, made faster."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import set_track_meta
from monai.transforms import Rand2DElasticd

from napari_tally.pipeline.warp import rand_warp

KEYS, SPACING = ["image", "labels"], 24.0
CHANGES = {
    "keys": KEYS, "prob": 1.0, "magnitude_range": (0, 6), "rotate_range": [3.0],
    "shear_range": [0.1], "scale_range": [(-0.1, 0.1)] * 2, "translate_range": [20, 20],
    "mode": ["bilinear", "nearest"], "padding_mode": "reflection",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _without_notes():
    set_track_meta(False)
    yield
    set_track_meta(True)


@pytest.mark.parametrize("patch", [(128, 128), (96, 133), (65, 64)])
def test_it_equals_the_elastic_change_of_monai(patch) -> None:
    theirs = Rand2DElasticd(spacing=(SPACING, SPACING), spatial_size=patch, **CHANGES)
    theirs.rand_2d_elastic.randomize = lambda _: None  # draws what is then drawn once more
    ours = rand_warp(SPACING, spatial_size=patch, **CHANGES)
    theirs.set_random_state(3)
    ours.set_random_state(3)
    blocks = np.arange(400, dtype=np.float32).reshape(20, 20).repeat(9, 0).repeat(9, 1)
    data = {"image": torch.rand(2, 180, 180), "labels": torch.from_numpy(blocks)[None]}
    for _ in range(4):
        one, other = theirs(dict(data)), ours(dict(data))
        assert one["image"].shape == (2, *patch)
        torch.testing.assert_close(other["image"], one["image"], atol=1e-3, rtol=0)
        assert (one["labels"] != other["labels"]).float().mean() < 1e-3
        assert not torch.equal(one["image"], data["image"][:, : patch[0], : patch[1]])
