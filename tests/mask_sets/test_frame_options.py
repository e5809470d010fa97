"""Frames of images in the input of a network, as the code of each family makes them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_tally.mask_sets.frame_options import FrameOptions


def test_a_letterbox_centres_the_resized_image() -> None:
    frame = FrameOptions(fit="letterbox", size=(640, 640)).frame((480, 640 * 2))
    assert frame.input_shape == (640, 640)
    assert frame.scale == (0.5, 0.5)
    assert frame.pad == (200, 0)


def test_padding_puts_the_image_above_and_to_the_left() -> None:
    frame = FrameOptions(fit="pad", shortest=800, longest=1333, multiple=32).frame((400, 1000))
    assert frame.scale == pytest.approx((533 / 400, 1.333))
    assert frame.input_shape == (544, 1344)
    assert frame.pad == (0, 0)
    assert FrameOptions(fit="pad", shortest=800).frame((400, 500)).input_shape == (800, 1000)


def test_stretching_changes_the_aspect() -> None:
    frame = FrameOptions(fit="stretch", size=(550, 550)).frame((100, 200))
    assert frame.scale == (5.5, 2.75)


def test_an_image_as_it_is_is_padded_to_multiples() -> None:
    frame = FrameOptions(fit="none", multiple=32).frame((100, 200))
    assert (frame.input_shape, frame.scale) == ((128, 224), (1.0, 1.0))


@pytest.mark.parametrize("wrong", [{"size": (3,)}, {"size": (0, 9)}, {"fit": "stretch"}])
def test_impossible_frames_are_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        FrameOptions(**wrong)
