"""Changes of shape are those of MONAI, made faster."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from monai.data import set_track_meta
from monai.transforms import Rand2DElasticd, Rand3DElasticd, RandAffined

from napari_tally.training.augment.chain import Chain
from napari_tally.training.augment.spatial_transforms import (
    Affine,
    control_points,
    mirrored,
    resample,
    smooth_noise,
)

SPACING, SIGMA = 24.0, 6.0
COMMON = {
    "keys": ["image", "labels"], "prob": 1.0, "mode": ["bilinear", "nearest"],
    "padding_mode": "reflection",
}  # fmt: skip
AFFINE = {
    2: Affine(angle=3.0, shift=(20, 20), scale=(0.9, 1.1), shear=0.1),
    3: Affine(angle=0.3, shift=(4, 4, 4), scale=(0.9, 1.1), shear=0.1),
}


def _of_monai(ndim: int) -> dict[str, object]:
    """Return the arguments by which MONAI draws the same affine transforms."""
    affine = AFFINE[ndim]
    return {
        "rotate_range": [affine.angle] * (1 if ndim == 2 else 3),
        "shear_range": [affine.shear] * ndim,
        "scale_range": [(-0.1, 0.1)] * ndim,
        "translate_range": affine.shift,
    }


@pytest.fixture(autouse=True)
def _without_notes():
    set_track_meta(False)
    yield
    set_track_meta(True)


def _assert_equal(theirs, ours, data) -> None:
    for seed in range(4):
        theirs.set_random_state(state=np.random.RandomState(seed))
        one, other = theirs(dict(data)), Chain([ours])(data, seed)
        assert one["image"].shape == other["image"].shape
        torch.testing.assert_close(other["image"], one["image"], atol=1e-3, rtol=0)
        assert (one["labels"] != other["labels"]).float().mean() < 1e-3
        assert one["image"].std() > 0.1


@pytest.mark.parametrize("patch", [(96, 133), (24, 33, 40)])
def test_affine_transforms_equal_those_of_monai(patch) -> None:
    ndim = len(patch)
    theirs = RandAffined(spatial_size=patch, **COMMON, **_of_monai(ndim))
    theirs.rand_affine._do_transform = True
    for one in (theirs, theirs.rand_affine):  # draws what is then drawn once more
        one.randomize = lambda _=None: None
    theirs._do_transform = True
    blocks = torch.arange(4**ndim).float().view((4,) * ndim)
    for axis in range(ndim):
        blocks = blocks.repeat_interleave(15, axis)
    data = {"image": torch.rand(2, *blocks.shape), "labels": blocks[None]}
    _assert_equal(theirs, partial(resample, shape=patch, affine=AFFINE[ndim]), data)


@pytest.mark.parametrize("patch", [(128, 128), (96, 133), (65, 64)])
def test_displaced_control_points_equal_the_elastic_transform_of_monai_in_2d(patch) -> None:
    theirs = Rand2DElasticd(
        spacing=(SPACING, SPACING), spatial_size=patch, magnitude_range=(0, 6), **COMMON,
        **_of_monai(2),
    )  # fmt: skip
    theirs.rand_2d_elastic.randomize = lambda _: None  # draws what is then drawn once more
    theirs.randomize = lambda _: None  # a draw of whether it is done at all
    theirs._do_transform = True
    blocks = np.arange(400, dtype=np.float32).reshape(20, 20).repeat(9, 0).repeat(9, 1)
    data = {"image": torch.rand(2, 180, 180), "labels": torch.from_numpy(blocks)[None]}
    displacement = partial(control_points, spacing=SPACING, most=6)
    ours = partial(resample, shape=patch, affine=AFFINE[2], displacement=displacement)
    _assert_equal(theirs, ours, data)


@pytest.mark.parametrize("patch", [(40, 48, 40), (7, 33, 64)])
def test_smooth_noise_equals_the_elastic_transform_of_monai_in_3d(patch) -> None:
    theirs = Rand3DElasticd(
        sigma_range=(SIGMA, SIGMA), spatial_size=patch, magnitude_range=(0, 100), **COMMON,
        **_of_monai(3),
    )  # fmt: skip
    theirs.randomize = lambda _: None  # a draw of whether it is done at all
    theirs._do_transform = True
    elastic = theirs.rand_3d_elastic

    def randomize(shape) -> None:  # as it does, but that it draws no sigma
        elastic.rand_offset = elastic.R.uniform(-1, 1, [3, *shape]).astype(np.float32)
        elastic.magnitude, elastic.sigma = elastic.R.uniform(*elastic.magnitude_range), SIGMA

    elastic.randomize = randomize
    blocks = np.arange(64, dtype=np.float32).reshape(4, 4, 4)
    blocks = blocks.repeat(10, 0).repeat(20, 1).repeat(20, 2)
    data = {"image": torch.rand(1, 40, 80, 80), "labels": torch.from_numpy(blocks)[None]}
    displacement = partial(smooth_noise, sigma=SIGMA, most=100)
    ours = partial(resample, shape=patch, affine=AFFINE[3], displacement=displacement)
    _assert_equal(theirs, ours, data)


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
