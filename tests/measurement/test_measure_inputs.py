"""Labels, images and parents are brought together, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import napari_tally
from napari_tally.core.errors import InputError
from napari_tally.core.volume import Volume
from napari_tally.measurement.measure import measure_volumes
from napari_tally.measurement.measure_inputs import measure_inputs, on_one_grid

PLANE = np.zeros((12, 16), np.uint16)
PLANE[1:4, 2:6], PLANE[6:10, 8:13] = 1, 7
FILM = np.stack([(PLANE > 0) * (100 + 10 * t) for t in range(3)])


def mr(array: np.ndarray, x_sign: int = 1, name: str = "mr", shift: float = 0.0) -> Volume:
    """Return a stack whose X axis points to the left (1) or to the right (-1), at one place."""
    affine = np.diag([2.0, 1, x_sign, 1])
    affine[2, 3] = shift + (0 if x_sign > 0 else array.shape[-1] - 1)
    return Volume(array, "ZYX", (2.0, 1.0, 1.0), "mm", affine, name=name)


def test_intensities_and_parents_of_another_orientation_are_those_of_the_same_place() -> None:
    labels = np.stack([PLANE] * 3)
    image = labels * 100.0 + 10
    parents = mr(labels[..., ::-1], -1, "parents")
    table = measure_volumes(mr(labels), [mr(image[..., ::-1], -1)], parents=parents)
    assert table["intensity_mean"].tolist() == [110, 710]
    assert table["parent"].tolist() == [1, 7]
    (note, other) = on_one_grid(mr(labels), [mr(image[..., ::-1], -1)], parents).notes
    assert "another orientation" in note and "parents" in other


def test_another_place_is_refused_and_resampled_on_request() -> None:
    labels, image = np.stack([PLANE] * 3), np.stack([PLANE] * 3) * 100.0
    away = mr(image, shift=2)
    with pytest.raises(InputError, match=r"up to 2 mm .*--resample"):
        measure_volumes(mr(labels), [away])
    given = measure_inputs(mr(labels), [away], mr(labels, shift=2), resample=True)
    table = measure_volumes(given.labels, given.images, parents=given.parents)
    assert table["intensity_mean"].tolist() == [50, 7 * 60]
    assert table["parent_share"].tolist() == [0.5, 0.6]
    assert sum("resampled" in note for note in given.notes) == 2


def test_static_labels_are_measured_in_every_frame_on_request() -> None:
    labels, film = Volume(PLANE, "YX", name="roi"), Volume(FILM, "TYX", name="film")
    with pytest.raises(InputError, match="use roi in every frame of film, add --static-labels"):
        measure_volumes(labels, [film])
    colours = replace(film, array=np.stack([FILM, FILM * 2], 1), axes="TCYX")
    given = measure_inputs(labels, [film, colours], labels, static_labels=True)
    table = measure_volumes(given.labels, [given.images[0]], parents=given.parents)
    assert table["t"].tolist() == [0, 0, 1, 1, 2, 2]
    assert table["label"].tolist() == [1, 7] * 3 == table["parent"].tolist()
    assert table["intensity_mean"].tolist() == [100, 100, 110, 110, 120, 120]
    cells = measure_inputs(film, parents=Volume(PLANE > 0, "YX"), static_labels=True).parents
    assert cells is not None
    assert np.unique(cells.array[2]).tolist() == [0, 1, 2]  # a mask of one bit
    found = napari_tally.measure(PLANE, FILM, static_labels=True)
    assert found["intensity_mean"].tolist() == table["intensity_mean"].tolist()


def test_static_stacks_and_colours_of_one_image() -> None:
    stack = np.stack([PLANE] * 2)
    film = Volume(np.stack([stack * 10, stack * 20]), "TZYX")
    given = measure_inputs(Volume(stack, "ZYX"), [film], static_labels=True)
    assert measure_volumes(given.labels, given.images)["intensity_mean"].tolist() == [
        10,
        70,
        20,
        140,
    ]
    rgb = Volume(np.dstack([PLANE, PLANE * 2]), "YXC")
    assert measure_volumes(Volume(PLANE, "YX"), [rgb])["intensity_mean_1"].tolist() == [2, 14]


def test_films_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="film has 2 frames, but labels has 3"):
        measure_volumes(Volume(FILM, "TYX", name="labels"), [Volume(FILM[:2], "TYX", name="film")])


def test_axes_of_one_frame_or_slice_do_not_matter() -> None:
    image = Volume(PLANE[None, None] * 5, "TZYX")
    assert measure_volumes(Volume(PLANE, "YX"), [image])["intensity_mean"].tolist() == [5, 35]


def test_a_mask_is_one_object_with_a_word_or_split_on_request() -> None:
    mask = Volume((PLANE > 0).astype(np.uint8) * 255, "YX", name="mask.tif")
    (note,) = measure_inputs(mask).notes
    assert "2 connected components all have the id 255" in note and "--separate" in note
    assert not measure_inputs(mask, separate=True).notes
    table = napari_tally.measure(mask, separate=True)
    assert (table["label"].tolist(), table["area_px2"].tolist()) == ([1, 2], [12, 20])
    assert napari_tally.measure(mask)["area_px2"].tolist() == [32]
    assert not measure_inputs(Volume(PLANE, "YX")).notes


def test_a_mask_of_one_bit_is_split_with_a_word() -> None:
    mask = Volume(PLANE > 0, "YX", name="mask.png")
    found = measure_inputs(mask)
    assert found.notes == ("mask.png is a mask; its connected components are measured as objects",)
    assert measure_inputs(mask, separate=True).notes == ()
    assert measure_inputs(Volume(PLANE > 99, "YX")).notes == ()
