"""Normalizers: by the whole image, and never a NaN."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from napari_tally.network.normalize import AnyNormalizer, Identity, Percentile, Window, ZScore

ALL = [Percentile(), ZScore(), Window(low=-100, high=300), Identity()]


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
