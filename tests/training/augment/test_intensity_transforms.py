"""Small changes of crops are those of MONAI, made faster."""

from __future__ import annotations

import monai.transforms as mt
import numpy as np
import pytest
import torch

from napari_tally.training.augment import intensity_transforms as transforms
from napari_tally.training.augment import spatial_transforms
from napari_tally.training.augment.chain import Chain, one_of, sometimes

SHAPES = [(1, 40, 64), (2, 12, 40, 31)]


@pytest.fixture(params=SHAPES, ids=["2D", "3D"])
def crop(request):
    values = np.random.default_rng(0).random(request.param, np.float32)
    labels = torch.arange(values[:1].size, dtype=torch.float32).reshape(1, *values.shape[1:])
    return {"image": torch.from_numpy(values), "labels": labels}


def _changed(crop, change, **options):
    out = dict(crop)
    change(out, np.random.RandomState(0), **options)
    assert out["image"].dtype == torch.float32
    return out


def test_intensities_are_bent_as_by_monai(crop) -> None:
    ours = _changed(crop, transforms.adjust_gamma, gamma=(1.7, 1.7))["image"]
    theirs = torch.as_tensor(mt.AdjustContrast(1.7)(crop["image"]))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def test_smoothing_is_that_of_monai_within_the_image(crop) -> None:
    ours = _changed(crop, transforms.blur, sigma=(1.2, 1.2))["image"]
    theirs = torch.as_tensor(mt.GaussianSmooth(1.2)(crop["image"]))
    inner = (slice(None), *(slice(5, -5),) * (ours.ndim - 1))
    torch.testing.assert_close(ours[inner], theirs[inner], atol=2e-2, rtol=0)
    flat = {"image": torch.ones_like(crop["image"])}
    ours = _changed(flat, transforms.blur, sigma=(1.2, 1.2))["image"]
    torch.testing.assert_close(ours, flat["image"])  # and the border is no darker


@pytest.mark.parametrize("zoom", [0.5, 0.77])
def test_low_resolution_is_that_of_monai(crop, zoom) -> None:
    up = "bilinear" if crop["image"].ndim == 3 else "trilinear"
    theirs = mt.RandSimulateLowResolution(
        prob=1.0, zoom_range=(zoom, zoom), upsample_mode=up, align_corners=False
    )
    ours = _changed(crop, transforms.lower_resolution, zoom=(zoom, zoom))["image"]
    torch.testing.assert_close(ours, torch.as_tensor(theirs(crop["image"])), atol=1e-5, rtol=0)


def test_scale_and_shift_draw_on_both_sides() -> None:
    one = {"image": torch.ones(1, 4, 4)}
    random = np.random.RandomState(0)
    for change in (transforms.scale_intensity, transforms.shift_intensity):
        made = []
        for _ in range(50):
            out = dict(one)
            change(out, random, most=0.4)
            made.append(float(out["image"].mean()))
        assert 0.6 <= min(made) < 0.7 and 1.3 < max(made) <= 1.4


def test_noise_has_the_width_that_was_drawn_and_is_the_same_for_the_same_seed(crop) -> None:
    first, again = (_changed(crop, transforms.add_noise, most=0.2)["image"] for _ in range(2))
    noise = first - crop["image"]
    assert torch.equal(first, again)
    assert 0.01 < noise.std() < 0.2 and abs(noise.mean()) < 0.02


def test_shade_is_a_smooth_factor_of_degree_two(crop) -> None:
    shaded = _changed(crop, transforms.multiply_bias_field, most=0.3)["image"]
    field = (shaded / crop["image"]).double().log()[0]
    assert field.std() > 0.01
    for axis in range(field.ndim):
        assert field.diff(dim=axis, n=3).abs().max() < 1e-4


def test_a_gradient_rises_from_nothing_in_one_direction(crop) -> None:
    field = (_changed(crop, transforms.add_gradient, height=0.4)["image"] - crop["image"])[0]
    assert abs(field.min()) < 1e-6 and 0.01 < field.max() <= 0.4
    for axis in range(field.ndim):
        assert field.diff(dim=axis, n=2).abs().max() < 1e-5


def test_a_cut_is_a_part_of_both_and_pads_what_is_too_small(crop) -> None:
    patch = tuple(n - 5 for n in crop["labels"].shape[1:])
    out = _changed(crop, spatial_transforms.crop, shape=patch)
    assert out["image"].shape[1:] == out["labels"].shape[1:] == patch
    rows = out["labels"].long().flatten()
    assert torch.equal(out["image"].flatten(1), crop["image"].flatten(1)[:, rows])
    patch = tuple(n + 7 for n in crop["labels"].shape[1:])
    out = _changed(crop, spatial_transforms.crop, shape=patch)
    rows = out["labels"].long().flatten()
    assert out["image"].shape[1:] == patch
    assert torch.equal(out["image"].flatten(1), crop["image"].flatten(1)[:, rows])


def test_a_share_of_the_crops_is_changed() -> None:
    def blank(crop, _):
        crop["image"] = torch.zeros(1)

    chain, whole = Chain([sometimes(0.3, blank)]), {"image": torch.ones(1)}
    made = [float(chain(whole, seed)["image"]) for seed in range(500)]
    assert 0.6 < np.mean(made) < 0.8 and float(whole["image"]) == 1


def test_one_of_several_chains_is_drawn_by_its_share() -> None:
    def make(value):
        def transform(patch, _):
            patch["image"] = patch["image"] + value

        return transform

    chain = Chain([one_of([[make(1), make(1)], [make(5)]], [0.25, 0.75])])
    made = [chain({"image": 0}, seed)["image"] for seed in range(500)]
    assert set(made) == {2, 5} and 0.7 < np.mean(np.equal(made, 5)) < 0.8


def test_stains_vary_like_a_colour_deconvolution_with_other_amounts() -> None:
    from skimage.color import rgb_from_hed

    amounts = np.random.default_rng(0).uniform(0, 1, (8, 9, 2))
    stains = np.concatenate([amounts, np.zeros((8, 9, 1))], -1)
    rgb = torch.from_numpy(np.exp(-(stains @ rgb_from_hed)).astype(np.float32)).permute(2, 0, 1)
    patch = {"image": rgb}
    transforms.vary_stains(patch, np.random.RandomState(0), 0.5)
    density = -np.log(patch["image"].permute(1, 2, 0).numpy())
    # Optical densities stay a linear function of the amounts.
    ones = np.concatenate([amounts, np.ones((8, 9, 1))], -1).reshape(-1, 3)
    _, residual, *_ = np.linalg.lstsq(ones, density.reshape(-1, 3), rcond=None)
    assert residual.max() < 1e-6
    assert np.abs(patch["image"] - rgb).max() > 0.02


def test_stains_of_other_images_stay() -> None:
    patch = {"image": torch.rand(2, 4, 4)}
    before = patch["image"].clone()
    transforms.vary_stains(patch, np.random.RandomState(0), 0.5)
    assert torch.equal(patch["image"], before)
