"""Where layers meet, their transforms decide: the same place, brought over, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_tally.core.errors import InputError
from napari_tally.measurement.measure import measure_volumes
from napari_tally.widgets.layers.label_layer import (
    brought_images,
    image_volume,
    images_elsewhere,
    images_on_grid,
    label_axes,
    label_volume,
)
from napari_tally.widgets.layers.same_place import brought

PIXELS = np.arange(48.0).reshape(6, 8)
IDS = (PIXELS > 20).astype(np.uint8)
LOOK = {"scale": (0.5, 0.5), "units": "um"}


def met(image: Image, labels: Labels):
    """Return the image on the grid of the labels, and the note."""
    grid = label_volume(labels)
    return brought(image_volume(image, grid.axes), image, grid, labels)


@pytest.mark.parametrize("look", [LOOK, {"scale": (2, 2)}, {"rotate": 30, "translate": (5, 6)}])
def test_layers_of_one_place_are_taken_as_they_are(look) -> None:
    volume, note = met(Image(PIXELS, **look), Labels(IDS, **look))
    assert volume.array is not None and note == ""


def test_layers_elsewhere_are_refused_with_the_distance() -> None:
    with pytest.raises(InputError, match=r"image and labels differ in position by up to 20 um"):
        met(
            Image(PIXELS, name="image", translate=(0, 20), **LOOK),
            Labels(IDS, name="labels", **LOOK),
        )


@pytest.mark.parametrize(
    "other", [{"scale": (0.5, 0.25)}, {"rotate": 10}, {"affine": [[1, 0, 3], [0, 1, 0], [0, 0, 1]]}]
)
def test_another_scale_rotation_or_affine_is_another_place(other) -> None:
    with pytest.raises(InputError, match="differ in position"):
        met(Image(PIXELS, **LOOK | other), Labels(IDS, **LOOK))


def test_units_count_if_both_layers_have_them() -> None:
    nm = {"scale": (500, 500), "units": "nm"}
    assert met(Image(PIXELS, **nm), Labels(IDS, **LOOK))[1] == ""
    assert met(Image(PIXELS, scale=(0.5, 0.5)), Labels(IDS, **LOOK))[1] == ""
    with pytest.raises(InputError, match="differ in position"):
        met(Image(PIXELS), Labels(IDS, **LOOK))


def test_a_layer_stored_in_the_opposite_direction_is_turned() -> None:
    turned = Image(PIXELS[::-1], scale=(-0.5, 0.5), translate=(2.5, 0), units="um")
    volume, note = met(turned, Labels(IDS, **LOOK))
    assert np.array_equal(volume.array, PIXELS)
    assert "orientation" in note


def test_series_of_other_frames_are_refused() -> None:
    look = {"axis_labels": ("t", "y", "x")}
    film = np.stack([PIXELS, PIXELS])
    labels = Labels(film.astype(int), translate=(1, 0, 0), **look)
    with pytest.raises(InputError, match="begin 1 frames apart"):
        met(Image(film, **look), labels)


def test_only_images_of_the_place_are_offered_and_the_others_named() -> None:
    viewer = ViewerModel()
    here = viewer.add_image(PIXELS, name="here", **LOOK)
    viewer.add_image(np.stack([PIXELS] * 2), name="channels", scale=(1, 0.5, 0.5),
                     units=("pixel", "um", "um"), axis_labels=("c", "y", "x"))  # fmt: skip
    viewer.add_image(PIXELS, name="tile 2", translate=(0, 4), **LOOK)
    viewer.add_image(PIXELS[:3], name="smaller", **LOOK)
    labels = viewer.add_labels(IDS, **LOOK)
    assert [i.name for i in images_on_grid(viewer, labels)] == ["here", "channels"]
    (problem,) = images_elsewhere(viewer, labels)
    assert "tile 2" in problem and "4 um" in problem
    volumes, _ = brought_images([here], labels, label_volume(labels))
    assert volumes[0].array is here.data


@pytest.mark.parametrize(
    ("shape", "axes", "rgb"),
    [((6, 8, 3), "yx", True), ((2, 6, 8), "cyx", False), ((4, 2, 6, 8), "tcyx", False),
     ((4, 6, 8, 3), "tyx", True), ((4, 3, 6, 8), "tzyx", False)],
)  # fmt: skip
def test_images_with_channels_and_frames_meet_labels_without_channels(shape, axes, rgb) -> None:
    viewer = ViewerModel()
    image = viewer.add_image(np.ones(shape, np.uint8), rgb=rgb, axis_labels=tuple(axes))
    drawn = [n for n, a in zip(shape, axes, strict=False) if a != "c"]
    labels = viewer.add_labels(np.ones(drawn, np.uint8))
    assert images_on_grid(viewer, labels) == [image]
    grid = label_volume(labels, images=[image])
    assert grid.axes == axes.replace("c", "").upper()
    table = measure_volumes(grid, brought_images([image], labels, grid)[0])
    assert len(table) == (4 if "t" in axes else 1)
    assert any(str(c).startswith("intensity_mean") for c in table)


def test_labels_on_a_series_are_a_series() -> None:
    """Whether the axis labels of the labels, or of an image at their place, say so."""
    film = np.zeros((4, 6, 8), np.uint8)
    image = Image(film, axis_labels=("t", "y", "x"))
    assert label_axes(Labels(film)) == "ZYX"
    assert label_axes(Labels(film), [image]) == "TYX"
    assert label_axes(Labels(film, axis_labels=("time", "y", "x"))) == "TYX"
    assert label_axes(Labels(film, metadata={"napari-tally": {"axes": "TYX"}})) == "TYX"
    volume = np.zeros((4, 3, 6, 8), np.uint8)
    colours = Image(volume, axis_labels=("t", "c", "y", "x"))
    assert label_axes(Labels(film), [colours]) == "TYX"
