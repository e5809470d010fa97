"""Normalizers: by the whole image, and never a NaN."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from napari_tally.network.normalize import (
    AnyNormalizer,
    Hounsfield,
    Identity,
    Percentile,
    Standard,
    Window,
    ZScore,
)

ALL = [
    Percentile(),
    ZScore(),
    Window(low=-100, high=300),
    Hounsfield(low=-200, high=500, clip=True),
    Identity(),
    Standard(mean=(0.5,)),
]


@pytest.mark.parametrize("normalizer", ALL, ids=lambda n: n.name)
@pytest.mark.parametrize("fill", [0, 7, np.nan, np.inf])
def test_constant_and_odd_images_stay_finite(normalizer, fill) -> None:
    out = normalizer(np.full((1, 5, 6), fill, np.float32))
    assert out.dtype == np.float32
    assert np.isfinite(out).all()


def test_percentiles_become_0_and_1() -> None:
    image = np.arange(1001, dtype=np.uint16).reshape(1, 7, 143)
    out = Percentile(low=10, high=90)(image)
    assert np.percentile(out, (10, 90)) == pytest.approx((0, 1))


def test_huge_integers_keep_their_contrast() -> None:
    image = np.array([[[0, 1], [2, 3]]], np.int64) + 2**40
    assert Percentile(low=0, high=100)(image)[0, 1, 1] == pytest.approx(1)


def test_a_part_is_normalized_by_the_whole() -> None:
    whole = np.random.default_rng(0).normal(50, 9, (2, 40, 40))
    part = ZScore()(whole[:, :10], ZScore().fit(whole))
    assert np.allclose(part, ZScore()(whole)[:, :10])


def test_nan_counts_as_background() -> None:
    image = np.array([[[1.0, 5.0, np.nan]]])
    assert Percentile(low=0, high=100)(image)[0, 0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("normalizer", ALL, ids=lambda n: n.name)
def test_options_survive_json(normalizer) -> None:
    adapter = TypeAdapter(AnyNormalizer)
    assert adapter.validate_json(normalizer.model_dump_json()) == normalizer


def test_limits_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="below"):
        Percentile(low=90, high=10)


def test_inverted_percentiles_make_dark_bright_and_nan_dark() -> None:
    image = np.array([[0.0, 50, 100, np.nan]])
    found = Percentile(low=0, high=100, inverted=True)(image)
    assert found[0, :3].tolist() == [1, 0.5, 0]
    assert found[0, 3] == 0


def test_ct_without_its_rescale_intercept_is_the_same_and_said() -> None:
    units = np.array([[[-1000.0, -50, 40, 900]]])
    ct = Hounsfield(low=-200, high=500, clip=True)
    assert np.allclose(ct(units), ct(units + 1000))
    assert ct(units)[0, 0].tolist() == pytest.approx([0, 150 / 700, 240 / 700, 1])
    assert ct.note(units, "a") == ""
    assert "read as HU + 1000" in ct.note(units + 1000, "a")


def test_eight_bits_are_scaled_and_standardized_channel_by_channel() -> None:
    image = np.random.default_rng(0).integers(0, 100, (3, 9, 11)).astype(np.uint8)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    found = Standard(mean=mean, std=std)(image)
    wanted = (image / 255 - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    assert np.allclose(found, wanted, atol=1e-6)
    assert Standard().note(image, "a") == ""


@pytest.mark.parametrize("other", [np.uint16, np.float32])
def test_values_of_8_bits_in_another_type_are_the_same(other) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 30, 30)).astype(np.uint8)
    assert np.allclose(Standard()(image.astype(other)), Standard()(image))
    assert np.allclose(Standard()((image / 255).astype(np.float32)), Standard()(image), atol=1e-6)


def test_12_bits_in_16_become_8_with_a_note() -> None:
    image = np.random.default_rng(0).integers(100, 4096, (1, 60, 60)).astype(np.uint16)
    found, note = Standard(scale=1)(image), Standard().note(image, "a.tif")
    assert found.min() == 0 and found.max() == 255
    assert 120 < found.mean() < 135
    assert "a.tif" in note and "uint16" in note and "0 to 255" in note


def test_channels_of_16_bits_keep_their_colour() -> None:
    image = np.zeros((3, 50, 50), np.uint16)
    image[0, 10:] = 4000
    image[1, 10:] = 2000
    found = Standard()(image)
    assert found[0].max() == pytest.approx(1)
    assert found[1].max() == pytest.approx(0.5)
    part = Standard()(image[:, :20], Standard().fit(image))
    assert np.allclose(part, found[:, :20])
