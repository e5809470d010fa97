"""Two images meet on one grid: brought over, resampled on request, or refused with the distance."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from volumes import oblique, oblique_affine

from napari_tally.core.errors import InputError
from napari_tally.core.volume import Volume
from napari_tally.geometry.place import on_grid_of

GRID = replace(oblique(), name="grid")


def moved(*shift: float) -> Volume:
    """Return the grid, shifted along the world's axes in mm."""
    affine = np.array(GRID.affine)
    affine[:3, 3] += shift
    return replace(GRID, affine=affine, name="moved")


def stored(order: tuple[int, ...], signs: tuple[int, ...], volume: Volume = GRID) -> Volume:
    """Return a volume with its axes permuted and flipped, and the affine that says so."""
    steps = np.eye(4)
    steps[:3, :3] = 0
    for new, (old, sign) in enumerate(zip(order, signs, strict=True)):
        steps[old, new] = sign
        steps[old, 3] = volume.shape[old] - 1 if sign < 0 else 0
    array = np.transpose(volume.array, order)[tuple(slice(None, None, s) for s in signs)]
    spacing = tuple(volume.spacing[i] for i in order)
    return replace(volume, array=array, spacing=spacing, affine=volume.affine @ steps)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_every_orientation_comes_back_voxel_for_voxel(order: tuple[int, ...]) -> None:
    for signs in product((1, -1), repeat=3):
        found, note = on_grid_of(stored(order, signs), GRID)
        np.testing.assert_array_equal(found.array, GRID.array)
        np.testing.assert_allclose(found.affine, GRID.affine, atol=1e-9)
        assert found.spacing == GRID.spacing
        assert bool(note) == (order != (0, 1, 2) or signs != (1, 1, 1))


def test_frames_and_channels_are_turned_along() -> None:
    turned = stored((2, 0, 1), (-1, 1, -1))
    film = np.stack([turned.array, turned.array + 1000])
    found, _ = on_grid_of(replace(turned, array=film, axes="CZYX"), GRID)
    np.testing.assert_array_equal(found.array, [GRID.array, GRID.array + 1000])


@pytest.mark.parametrize("shift", [1e-4, 1e-3, 0.01])
def test_a_hair_and_rounding_in_float32_are_the_same_place(shift: float) -> None:
    hair = moved(shift, -shift, shift)
    found, note = on_grid_of(hair, GRID)
    assert found is hair and note == ""
    rounded = replace(GRID, affine=np.array(GRID.affine, np.float32).astype(float))
    assert on_grid_of(rounded, GRID)[1] == ""
    far = np.array(GRID.affine)
    far[:3, 3] = 123456.7891
    near = replace(GRID, affine=far.astype(np.float32).astype(float))
    assert on_grid_of(near, replace(GRID, affine=far))[1] == ""


@pytest.mark.parametrize("shift", [0.35, 0.7, 50.0])
def test_another_place_is_refused_with_the_distance(shift: float) -> None:
    with pytest.raises(InputError, match=rf"up to {shift:.3g} mm .*centres {shift:.3g} mm apart"):
        on_grid_of(moved(0, 0, shift), GRID)


def test_the_error_names_what_differs() -> None:
    plain = replace(GRID, affine=np.diag([2.5, 0.8, 0.7, 1]))
    with pytest.raises(InputError, match="rotated by up to 3"):
        on_grid_of(GRID, plain)
    with pytest.raises(InputError, match=r"shape \(2, 5, 6\) and \(4, 5, 6\)"):
        on_grid_of(replace(GRID, array=GRID.array[:2]), GRID)
    with pytest.raises(InputError, match=r"spacing Z 2\.5 x Y 0\.8 x X 0\.75"):
        spacing = (2.5, 0.8, 0.75)
        on_grid_of(replace(GRID, spacing=spacing, affine=oblique_affine(spacing)), GRID)


def test_other_units_are_converted() -> None:
    affine = np.array(GRID.affine)
    affine[:3] *= 1000
    microns = replace(GRID, unit="um", spacing=(2500.0, 800.0, 700.0), affine=affine)
    assert on_grid_of(microns, GRID) == (microns, "")
    found, _ = on_grid_of(stored((1, 0, 2), (1, -1, 1)), microns)
    np.testing.assert_array_equal(found.array, microns.array)


def test_labels_are_resampled_by_the_nearest_neighbour_on_request() -> None:
    ids = replace(GRID, array=GRID.array.astype(np.int64) + 2**60 + 1, is_labels=True)
    part = Volume(ids.array[1:3, 2:, 1:], "ZYX", GRID.spacing, "mm", is_labels=True)
    start = GRID.affine @ [1, 2, 1, 1]
    affine = np.array(GRID.affine)
    affine[:, 3] = start
    found, note = on_grid_of(replace(part, affine=affine), GRID, resample=True)
    wanted = np.zeros_like(ids.array)
    wanted[1:3, 2:, 1:] = part.array
    np.testing.assert_array_equal(found.array, wanted)
    assert "nearest neighbour" in note and "outside" in note


def test_images_are_resampled_linearly_and_nan_outside() -> None:
    z = np.arange(4.0).reshape(4, 1, 1) + np.zeros((4, 5, 6))
    image = Volume(z, "ZYX", (1.0,) * 3, "mm", np.eye(4))
    shifted = np.eye(4)
    shifted[0, 3] = 0.25
    grid = replace(image, affine=shifted)
    found, note = on_grid_of(image, grid, resample=True)
    np.testing.assert_allclose(found.array[:, 0, 0], [0.25, 1.25, 2.25, 3])
    assert "linear" in note
    shifted[0, 3] = 2
    found, _ = on_grid_of(image, replace(image, affine=shifted), resample=True)
    np.testing.assert_allclose(found.array[:, 0, 0], [2, 3, np.nan, np.nan])
    with pytest.raises(InputError, match="up to 50 mm"):
        shifted[0, 3] = 50
        on_grid_of(image, replace(image, affine=shifted), resample=True)


def test_without_an_affine_shape_and_spacing_decide() -> None:
    bare = Volume(np.zeros((4, 5)), "YX", (0.5, 0.5), "um", name="bare")
    assert on_grid_of(bare, replace(bare, spacing=(0.5002, 0.5)))[1] == ""
    assert "0.502" in on_grid_of(bare, replace(bare, spacing=(0.502, 0.5)))[1]
    with pytest.raises(InputError, match=r"Y 0\.5 x X 0\.5 um, but .*Y 0\.6"):
        on_grid_of(bare, replace(bare, spacing=(0.6, 0.5)))
    with pytest.raises(InputError, match=r"has shape \(4, 5\)"):
        on_grid_of(bare, replace(bare, array=np.zeros((5, 4))), resample=True)
    with pytest.raises(InputError, match="has shape"):
        on_grid_of(bare, GRID)


def test_planes_with_an_affine_are_turned_too() -> None:
    plane = Volume(np.arange(12).reshape(3, 4), "YX", (2.0, 1.0), "mm", np.diag([2.0, 1, 1]))
    affine = np.array([[0.0, 2, 0], [-1, 0, 3], [0, 0, 1]])  # X reversed first, then Y
    turned = replace(plane, array=plane.array.T[::-1], spacing=(1.0, 2.0), affine=affine)
    np.testing.assert_array_equal(on_grid_of(turned, plane)[0].array, plane.array)
