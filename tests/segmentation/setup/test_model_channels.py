"""Channels by name and order, grey for models of colours, and colours for models of grey."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.volume import Volume
from napari_tally.segmentation.setup.model_channels import model_channels

RGB, RGBA = ("red", "green", "blue"), ("red", "green", "blue", "alpha")
BGR = ("blue", "green", "red")


def model(*channels: str):
    preprocessing = SimpleNamespace(channels=channels)
    return SimpleNamespace(info=SimpleNamespace(preprocessing=preprocessing, name="model"))


def colours(names: tuple[str, ...] = RGB) -> Volume:
    array = np.stack([np.full((4, 5), 10 * (i + 1), np.uint8) for i in range(len(names))], -1)
    return Volume(array, "YXC", channel_names=names)


def first(found) -> list[int]:
    return [int(channel.flat[0]) for channel in found.image]


def test_red_green_and_blue_come_in_the_order_of_the_model() -> None:
    assert first(model_channels(colours(), model(*RGB), None)) == [10, 20, 30]
    assert first(model_channels(colours(), model(*BGR), None)) == [30, 20, 10]
    unnamed = Volume(colours().array, "YXC")
    found = model_channels(unnamed, model(*BGR), None)
    assert first(found) == [30, 20, 10]
    assert "taken as red, green and blue" in found.notes[0]


def test_alpha_is_left_out_with_a_note() -> None:
    found = model_channels(colours(RGBA), model(*RGB), None)
    assert first(found) == [10, 20, 30]
    assert "alpha" in found.notes[0]


@pytest.mark.parametrize("axes", ["YX", "CYX", "TYX", "TCZYX"])
def test_grey_is_repeated_for_a_model_of_colours(axes) -> None:
    shape = tuple({"T": 2, "C": 1, "Z": 3, "Y": 4, "X": 5}[a] for a in axes)
    array = np.random.default_rng(0).integers(0, 255, shape)
    found = model_channels(Volume(array, axes), model(*RGB), None)
    assert found.image.shape == (3, *(n for n, a in zip(shape, axes, strict=True) if a != "C"))
    assert np.array_equal(found.image[0], found.image[2])
    assert found.distinct.shape[0] == 1
    assert "red, green and blue" in found.notes[0]


def test_one_channel_can_be_chosen_for_a_model_of_colours() -> None:
    assert first(model_channels(colours(("a", "b")), model(*RGB), "b")) == [20, 20, 20]


def test_colours_become_luminance_for_a_model_of_one_channel() -> None:
    found = model_channels(colours(RGBA), model("image"), None)
    assert first(found) == [round(0.2125 * 10 + 0.7154 * 20 + 0.0721 * 30)]
    assert found.image.dtype == np.uint8
    assert "luminance" in found.notes[0]
    assert first(model_channels(colours(), model("image"), "green")) == [20]


def test_a_grey_picture_with_three_channels_needs_no_note() -> None:
    grey = Volume(np.full((4, 5, 3), 7, np.uint8), "YXC", channel_names=RGB)
    found = model_channels(grey, model("image"), None)
    assert (first(found), found.notes) == ([7], ())


@pytest.mark.parametrize(
    ("volume", "channels", "problem"),
    [
        (colours(("a", "b", "c")), ("image",), "has 3 channels .* takes 1"),
        (colours(("a", "b")), RGB, "has 2 channels but model takes red, green and blue"),
        (colours(("a", "b", "c", "d", "e")), RGB, "has 5 channels but"),
        (colours(("a", "b", "c")), ("x", "y"), r"has 3 channels but model takes 2 channels \(x, y"),
    ],
)
def test_other_channels_are_refused(volume, channels, problem) -> None:
    with pytest.raises(InputError, match=problem):
        model_channels(volume, model(*channels), None)


def test_channels_are_found_by_name() -> None:
    assert first(model_channels(colours(("a", "b", "c")), model("c", "a"), None)) == [30, 10]
