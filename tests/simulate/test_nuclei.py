"""Simulated nuclei: fields are as requested, and the ground truth is exact."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.ndimage import binary_erosion, maximum_filter, minimum_filter
from skimage.measure import label

from napari_tally.simulate.clutter import Clutter
from napari_tally.simulate.nuclei import NucleiField

FLAT: dict[str, Any] = {"shape": (256, 320), "count": 60}
SOLID: dict[str, Any] = {
    "shape": (24, 120, 140),
    "spacing_um": (1.2, 0.4, 0.4),
    "diameter_um": 9.0,
    "count": 35,
}
BOTH = pytest.mark.parametrize("options", [FLAT, SOLID], ids=["2D", "3D"])


def in_contact(labels: np.ndarray) -> set[int]:
    """Return the ids of the objects that have a voxel next to another object's."""
    highest = maximum_filter(labels, 3)
    lowest = minimum_filter(np.where(labels > 0, labels, np.iinfo(labels.dtype).max), 3)
    return set(np.unique(labels[(labels > 0) & ((highest != labels) | (lowest != labels))]))


def uncut(labels: np.ndarray) -> list[int]:
    """Return the ids of the objects that the border of the field does not cut."""
    ends = [np.take(labels, [0, -1], axis) for axis in range(labels.ndim)]
    cut = {int(i) for end in ends for i in np.unique(end)}
    return [i for i in range(1, int(labels.max()) + 1) if i not in cut]


def diameters_um(field: NucleiField, labels: np.ndarray) -> np.ndarray:
    """Return the diameters of the discs or balls of the uncut objects' areas or volumes."""
    size = np.bincount(labels.ravel())[uncut(labels)] * np.prod(field.spacing_um)
    return 2 * np.sqrt(size / np.pi) if labels.ndim == 2 else np.cbrt(6 * size / np.pi)


@BOTH
def test_the_same_seed_draws_the_same_field_and_another_seed_another(options: dict) -> None:
    image, labels = NucleiField(**options, seed=5).draw()
    again, same = NucleiField(**options, seed=5).draw()
    other, different = NucleiField(**options, seed=6).draw()
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(labels, same)
    assert (image != other).any()
    assert (labels != different).any()


@BOTH
def test_image_and_labels_have_the_documented_shape_and_types(options: dict) -> None:
    image, labels = NucleiField(**options).draw()
    assert image.shape == labels.shape == options["shape"]
    assert image.dtype == labels.dtype == np.uint16


@BOTH
def test_ids_are_consecutive_and_as_many_as_requested(options: dict) -> None:
    _, labels = NucleiField(**options).draw()
    np.testing.assert_array_equal(np.unique(labels), np.arange(options["count"] + 1))


@BOTH
def test_every_nucleus_is_one_connected_component_even_where_thin_ones_cross(
    options: dict,
) -> None:
    shape = (96, 96) if options is FLAT else (24, 60, 60)
    thin = {"shape": shape, "diameter_um": 3.0, "diameter_spread": 0.8, "elongation": 5}
    field = NucleiField(**(options | thin | {"touching": 1, "count": 300}))
    _, labels = field.draw()
    assert label(labels, connectivity=labels.ndim).max() == labels.max() > 100


@pytest.mark.parametrize(
    ("shape", "spacing_um", "diameter_um"),
    [
        ((400, 400), (0.5, 0.5), 12.0),
        ((300, 500), (1.0, 0.5), 14.0),
        ((60, 120, 120), (0.5, 0.5, 0.5), 10.0),
        ((30, 140, 140), (1.5, 0.4, 0.5), 10.0),
    ],
)
def test_sizes_are_as_requested_in_physical_units(
    shape: tuple[int, ...], spacing_um: tuple[float, ...], diameter_um: float
) -> None:
    field = NucleiField(
        shape=shape, spacing_um=spacing_um, diameter_um=diameter_um, diameter_spread=0, count=40
    )
    found = diameters_um(field, field.draw()[1])
    assert len(found) >= 8
    assert np.mean(found) == pytest.approx(diameter_um, rel=0.05)
    np.testing.assert_allclose(found, diameter_um, rtol=0.2)


def test_sizes_have_the_requested_spread() -> None:
    spreads = []
    for spread in (0.0, 0.15, 0.3):
        field = NucleiField(shape=(800, 800), count=150, diameter_spread=spread, touching=0)
        found = diameters_um(field, field.draw()[1])
        spreads.append(found.std() / found.mean())
    np.testing.assert_allclose(spreads, [0.0, 0.15, 0.3], atol=0.05)


def test_nuclei_are_as_long_in_z_as_in_the_plane_however_coarse_z_is() -> None:
    field = NucleiField(**(SOLID | {"elongation": 1, "diameter_spread": 0, "touching": 0}))
    _, labels = field.draw()
    reach = [
        np.ptp(np.argwhere(labels == i), axis=0) * field.spacing_um + field.spacing_um
        for i in uncut(labels)
    ]
    np.testing.assert_allclose(np.mean(reach, axis=0), field.diameter_um, rtol=0.1)


@BOTH
def test_most_nuclei_touch_unless_asked_to_keep_apart(options: dict) -> None:
    shares = []
    for touching in (0, 0.5, 1):
        _, labels = NucleiField(**options, touching=touching).draw()
        shares.append(len(in_contact(labels)) / labels.max())
    assert shares[0] == 0
    assert 0.5 <= shares[1] < 1
    assert shares[2] == 1


@BOTH
def test_nuclei_are_brighter_than_the_background(options: dict) -> None:
    field = NucleiField(**options)
    image, labels = field.draw()
    outside = ~maximum_filter(labels > 0, 5)
    assert image[outside].mean() > field.camera_offset
    for i in range(1, int(labels.max()) + 1):
        core = binary_erosion(labels == i)
        if core.any():
            assert image[core].mean() > image[outside].mean() + 3 * image[outside].std()


def test_two_nuclei_that_touch_have_textures_of_their_own() -> None:
    field = NucleiField(blur_um=0, haze=0, photons=10_000, brightness_spread=0, texture=1)
    image, labels = field.draw()
    even, _ = field.model_copy(update={"texture": 0.0}).draw()
    inside = labels > 0
    relative = image[inside] / even[inside]
    assert relative.std() > 0.2
    patches = [
        (image / even)[place[0] - 4 : place[0] + 5, place[1] - 4 : place[1] + 5]
        for place in (np.argwhere(labels == i).mean(0).astype(int) for i in uncut(labels))
    ]
    likeness = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairwise(patches)]
    assert abs(np.mean(likeness)) < 0.2


def test_fewer_photons_are_noisier() -> None:
    ratios = []
    for photons in (20, 2000):
        field = NucleiField(**FLAT, photons=photons, texture=0, haze=0, camera_offset=0)
        image, labels = field.draw()
        background = image[~maximum_filter(labels > 0, 15)]
        ratios.append(background.std() / background.mean())
    assert ratios[0] > 3 * ratios[1]


def test_more_haze_brightens_the_background() -> None:
    between = []
    for haze in (0, 0.3, 1):
        image, labels = NucleiField(**FLAT, haze=haze).draw()
        between.append(image[labels == 0].mean())
    assert between == sorted(between)
    assert between[-1] > between[0] + 30


def test_a_full_field_has_fewer_nuclei_than_requested() -> None:
    _, labels = NucleiField(shape=(128, 128), count=1000).draw()
    assert 10 < labels.max() < 100


def test_a_field_without_nuclei_is_empty() -> None:
    image, labels = NucleiField(shape=(40, 40), count=0).draw()
    assert labels.max() == 0
    assert image.mean() == pytest.approx(106, abs=2)  # the camera's offset and stray light


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 1), (2, 3), (1, 90), (3, 1, 30), (1, 64, 64)])
@pytest.mark.parametrize("diameter_um", [1.0, 12.0, 1e5])
def test_any_shape_can_be_drawn(shape: tuple[int, ...], diameter_um: float) -> None:
    spacing = (0.5,) * len(shape)
    image, labels = NucleiField(shape=shape, spacing_um=spacing, diameter_um=diameter_um).draw()
    assert image.shape == labels.shape == shape
    np.testing.assert_array_equal(np.unique(labels[labels > 0]), np.arange(1, labels.max() + 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (64,)}, r"2 or 3 positive numbers, not \(64,\)"),
        ({"shape": (64, 0)}, r"2 or 3 positive numbers, not \(64, 0\)"),
        ({"shape": (8, 64, 64)}, r"each of 3 axes, not \(0.5, 0.5\). Try"),
        ({"spacing_um": (0.5, -1)}, "Spacing must be positive and finite"),
        ({"spacing_um": (0.5, np.nan)}, "Spacing must be positive and finite"),
        ({"diameter_um": 0.6}, "at least two voxels of 0.5 um, not 0.6 um"),
        ({"diameter_um": np.inf}, "finite number"),
        ({"touching": 1.5}, "less than or equal to 1"),
        ({"elongation": 0.5}, "greater than or equal to 1"),
        ({"photons": 0}, "greater than 0"),
        ({"diameter_px": 24}, "not permitted"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NucleiField(**options)


def test_options_go_to_json_and_back() -> None:
    field = NucleiField(**SOLID, seed=3)
    assert NucleiField.model_validate_json(field.model_dump_json()) == field


def test_a_deformed_field_still_has_connected_nuclei_of_the_requested_size() -> None:
    options = {**SOLID, "shape": (48, 96, 96), "spacing_um": (0.5, 0.5, 0.5), "diameter_um": 10.0}
    straight, bent = (NucleiField(**options, bend=b).draw()[1] for b in (0.0, 0.15))
    assert (straight != bent).any()
    assert label(bent, connectivity=3).max() == bent.max() >= 0.9 * straight.max()
    assert (bent > 0).mean() == pytest.approx((straight > 0).mean(), rel=0.2)


@BOTH
@pytest.mark.parametrize(
    "kind", [{"walls": 1}, {"cytoplasm": 0.5}, {"specks": 1}, {"fog": 1}], ids=str
)
def test_clutter_adds_light_and_does_not_change_the_ground_truth(options: dict, kind: dict) -> None:
    plain, labels = NucleiField(**options, photons=5000).draw()
    image, same = NucleiField(**options, photons=5000, clutter=Clutter(**kind)).draw()
    np.testing.assert_array_equal(labels, same)
    assert image.mean() > 1.01 * plain.mean()


def test_walls_are_bright_between_nuclei_and_thin() -> None:
    field = NucleiField(touching=0, haze=0, blur_um=0, photons=5000, clutter=Clutter(walls=2))
    image, labels = field.draw()
    outside = labels == 0
    bright = outside & (image > 2000)
    assert 0.005 < bright.sum() / outside.sum() < 0.25
    assert not binary_erosion(bright, np.ones((5, 5))).any()


def test_light_fades_with_depth() -> None:
    options = {**SOLID, "count": 0, "photons": 5000, "camera_offset": 0}
    image, _ = NucleiField(**options, clutter=Clutter(fog=1, fading=1)).draw()
    assert image[-6:].mean() < 0.6 * image[:6].mean()


def test_generous_labels_reach_further_where_the_blur_does_and_keep_their_ids() -> None:
    options = {**SOLID, "shape": (48, 96, 96), "spacing_um": (0.5, 0.5, 0.5), "diameter_um": 10.0}
    field = NucleiField(**options, blur_um=0.5, axial_blur=3)
    image, exact = field.draw()
    same, drawn = field.model_copy(update={"generous": 1.0}).draw()
    np.testing.assert_array_equal(image, same)
    np.testing.assert_array_equal(drawn[exact > 0], exact[exact > 0])
    grown = drawn > 0
    in_plane = binary_erosion(grown, np.ones((1, 3, 3)), border_value=1) & (exact == 0)
    along_z = binary_erosion(grown, np.ones((7, 1, 1)), border_value=1) & (exact == 0)
    assert grown.sum() > 1.2 * (exact > 0).sum()
    assert in_plane.sum() > along_z.sum()
