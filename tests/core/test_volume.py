"""Volumes: axes, spacing and channels fit the array, or there is a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.quantity import parse_quantity
from napari_tally.core.volume import Volume, guess_axes


def _volume(**changes) -> Volume:
    values = {"array": np.zeros((2, 3, 4, 5)), "axes": "CZYX", "spacing": (2, 1, 1), "unit": "um"}
    return Volume(**(values | changes))


def test_a_channel_keeps_geometry_and_name() -> None:
    one = _volume(channel_names=("dapi", "gfp")).at("C", 1)
    assert (one.axes, one.shape, one.spacing, one.channel_names) == (
        "ZYX",
        (3, 4, 5),
        (2, 1, 1),
        ("gfp",),
    )


def test_a_slice_of_a_stack_keeps_the_spacing_in_the_plane() -> None:
    one = _volume(spacing=(2, 0.5, 0.25)).at("Z", 0)
    assert (one.axes, one.spacing) == ("CYX", (0.5, 0.25))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"axes": "CZY"}, "letter"),
        ({"axes": "CZXY"}, "in this order"),
        ({"axes": "CCYX"}, "letters"),
        ({"axes": "QZYX"}, "letters"),
        ({"array": np.zeros(3), "axes": "X"}, "two axes"),
        ({"spacing": (1, 1)}, "each of ZYX"),
        ({"spacing": (0, 1, 1)}, "positive"),
        ({"spacing": (float("nan"), 1, 1)}, "positive"),
        ({"unit": "parsec"}, "unit of length"),
        ({"spacing": None}, "unit um but no spacing"),
        ({"channel_names": ("one",)}, "2 channels, but 1 names: one"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(changes, words) -> None:
    with pytest.raises(InputError, match=words):
        _volume(**changes)


def test_channels_are_found_by_name_and_number() -> None:
    volume = _volume(channel_names=("DAPI", "GFP"))
    assert volume.channel_index("gfp") == volume.channel_index(1) == volume.channel_index("1") == 1
    with pytest.raises(InputError, match=r"0 \(DAPI\), 1 \(GFP\)"):
        volume.channel_index("cy5")


def test_a_spacing_of_one_number_holds_for_all_axes() -> None:
    assert _volume().with_spacing(parse_quantity("3nm")).spacing == (3, 3, 3)
    with pytest.raises(InputError, match="each of ZYX"):
        _volume().with_spacing(parse_quantity("3,3um"))


def test_units_convert() -> None:
    assert _volume().spacing_in("nm") == pytest.approx((2000, 1000, 1000))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((9, 9), "YX"), ((9, 9, 3), "YXC"), ((3, 9, 9), "CYX"), ((30, 9, 9), "ZYX")],
)
def test_axes_of_bare_arrays_are_guessed(shape, axes) -> None:
    assert guess_axes(shape) == axes


@pytest.mark.parametrize("shape", [(9,), (2, 3, 4, 5)])
def test_axes_that_cannot_be_guessed_must_be_given(shape) -> None:
    with pytest.raises(InputError, match="TCZYX"):
        guess_axes(shape)


def test_another_spacing_keeps_directions_and_origin() -> None:
    affine = np.array([[0, 0, -2, 10], [3, 0, 0, 20], [0, 1, 0, 30], [0, 0, 0, 1.0]])
    volume = Volume(np.zeros((4, 5, 6)), "ZYX", (3, 1, 2), "mm", affine)
    rescaled = volume.with_spacing(parse_quantity("0.6,0.1,0.2cm"))
    expected = [[0, 0, -0.2, 1], [0.6, 0, 0, 2], [0, 0.1, 0, 3], [0, 0, 0, 1]]
    assert np.allclose(rescaled.affine, expected)
    assert np.allclose(volume.affine, affine)


@pytest.mark.parametrize(
    ("affine", "message"),
    [
        (np.eye(3), r"shape \(3, 3\)"),
        (np.diag([3.0, 1, 9, 1]), "lengths"),
        (np.full((4, 4), np.nan), "lengths"),
    ],
)
def test_an_affine_that_does_not_fit_is_refused(affine, message) -> None:
    with pytest.raises(InputError, match=message):
        Volume(np.zeros((4, 5, 6)), "ZYX", (3, 1, 2), "mm", affine)
