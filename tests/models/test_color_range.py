"""Images of another stain give a warning."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb_from_hed

from napari_tally.models.color_range import ColorRange, color_profile


def stained(amounts: tuple[float, float, float], seed: int = 0) -> np.ndarray:
    """Return an RGB image (3, Y, X) with these mean amounts of hematoxylin, eosin and DAB."""
    density = np.random.default_rng(seed).exponential(1, (40, 40, 3)) * amounts
    return np.moveaxis(255 * np.exp(-density @ rgb_from_hed), -1, 0).astype(np.uint8)


@pytest.fixture
def pink() -> ColorRange:
    return ColorRange.of(stained((h, e, 0), i) for i, (h, e) in enumerate([(0.3, 0.5), (0.6, 0.3)]))


def test_the_same_stain_gives_no_note(pink) -> None:
    assert pink.note(stained((0.4, 0.4, 0), seed=9), "slide", "model") == ""


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_the_range_of_the_values_does_not_matter(pink, kind) -> None:
    slide = stained((0.4, 0.4, 0)).astype(kind) * (257 if kind is np.uint16 else 1 / 255)
    assert pink.note(slide.astype(kind), "slide", "model") == ""


@pytest.mark.parametrize(
    "other",
    [
        np.moveaxis(data.immunohistochemistry(), -1, 0),
        np.moveaxis(data.astronaut(), -1, 0),
        np.zeros((3, 20, 20), np.uint8),
        np.full((3, 20, 20), np.nan, np.float32),
    ],
    ids=["DAB", "photograph", "black", "NaN"],
)
def test_other_colours_are_said(pink, other) -> None:
    assert "unlike" in pink.note(other, "slide", "model")


def test_a_profile_has_shares_and_a_brightness() -> None:
    *shares, bright = color_profile(stained((0.4, 0.4, 0)))
    assert sum(shares) == pytest.approx(1)
    assert shares[1] == max(shares)
    assert 0 < bright <= 1
