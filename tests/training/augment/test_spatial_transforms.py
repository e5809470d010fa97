"""Changes of shape are those of MONAI, made faster."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import set_track_meta
from monai.transforms import Rand2DElasticd, Rand3DElasticd, RandAffined

from napari_tally.training.augment.spatial_transforms import (
    mirrored,
    rand_affine,
    rand_warp_2d,
    rand_warp_3d,
)

SPACING, SIGMA = 24.0, 6.0
CHANGES = {
    "keys": ["image", "labels"], "prob": 1.0, "mode": ["bilinear", "nearest"],
    "padding_mode": "reflection",
}  # fmt: skip
FLAT = {
    "magnitude_range": (0, 6), "rotate_range": [3.0], "shear_range": [0.1],
    "scale_range": [(-0.1, 0.1)] * 2, "translate_range": [20, 20],
}  # fmt: skip
DEEP = {
    "magnitude_range": (0, 100), "rotate_range": [0.3] * 3, "shear_range": [0.1] * 3,
    "scale_range": [(-0.1, 0.1)] * 3, "translate_range": [4] * 3,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _without_notes():
    set_track_meta(False)
    yield
    set_track_meta(True)


def _assert_equal(theirs, ours, data) -> None:
    theirs.set_random_state(3)
    ours.set_random_state(3)
    for _ in range(4):
        one, other = theirs(dict(data)), ours(dict(data))
        assert one["image"].shape == other["image"].shape
        torch.testing.assert_close(other["image"], one["image"], atol=1e-3, rtol=0)
        assert (one["labels"] != other["labels"]).float().mean() < 1e-3
        assert one["image"].std() > 0.1


@pytest.mark.parametrize(("patch", "changes"), [((96, 133), FLAT), ((24, 33, 40), DEEP)])
def test_turned_and_zoomed_crops_equal_those_of_monai(patch, changes) -> None:
    changes = {name: value for name, value in changes.items() if name != "magnitude_range"}
    theirs = RandAffined(spatial_size=patch, **CHANGES, **changes)
    theirs.rand_affine._do_transform = True
    for one in (theirs, theirs.rand_affine):  # draws what is then drawn once more
        one.randomize = lambda _=None: None
    theirs._do_transform = True
    blocks = torch.arange(4 ** len(patch)).float().view((4,) * len(patch))
    for axis in range(len(patch)):
        blocks = blocks.repeat_interleave(15, axis)
    data = {"image": torch.rand(2, *blocks.shape), "labels": blocks[None]}
    _assert_equal(theirs, rand_affine(spatial_size=patch, **CHANGES, **changes), data)


@pytest.mark.parametrize("patch", [(128, 128), (96, 133), (65, 64)])
def test_in_2d_it_equals_the_elastic_change_of_monai(patch) -> None:
    theirs = Rand2DElasticd(spacing=(SPACING, SPACING), spatial_size=patch, **CHANGES, **FLAT)
    theirs.rand_2d_elastic.randomize = lambda _: None  # draws what is then drawn once more
    blocks = np.arange(400, dtype=np.float32).reshape(20, 20).repeat(9, 0).repeat(9, 1)
    data = {"image": torch.rand(2, 180, 180), "labels": torch.from_numpy(blocks)[None]}
    _assert_equal(theirs, rand_warp_2d(SPACING, spatial_size=patch, **CHANGES, **FLAT), data)


@pytest.mark.parametrize("patch", [(40, 48, 40), (7, 33, 64)])
def test_in_3d_it_equals_the_elastic_change_of_monai(patch) -> None:
    theirs = Rand3DElasticd(sigma_range=(SIGMA, SIGMA), spatial_size=patch, **CHANGES, **DEEP)
    theirs.randomize = lambda _: None  # a draw of whether it is done at all
    blocks = np.arange(64, dtype=np.float32).reshape(4, 4, 4)
    blocks = blocks.repeat(10, 0).repeat(20, 1).repeat(20, 2)
    data = {"image": torch.rand(1, 40, 80, 80), "labels": torch.from_numpy(blocks)[None]}
    _assert_equal(theirs, rand_warp_3d(SIGMA, spatial_size=patch, **CHANGES, **DEEP), data)


@pytest.mark.parametrize("far", [1.0, 2.5, 9.0])
def test_places_far_outside_are_mirrored_as_pytorch_does_it(far) -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(-far, far, (2, 40 * 40)).astype(np.float32)
    image = torch.rand(1, 1, 30, 30)
    one, other = (
        torch.nn.functional.grid_sample(
            image, torch.from_numpy(at.T.reshape(1, 40, 40, 2)), "bilinear", mode, False
        )
        for at, mode in ((places, "reflection"), (mirrored(places), "border"))
    )
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
