"""A volume can be reoriented to any of the 48 orientations and back, and no point moves."""

from __future__ import annotations

from itertools import permutations, product

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tally.core.errors import InputError
from napari_tally.core.volume import Volume
from napari_tally.geometry.orientation import Turn, orientation_of, reoriented, turn_to, upright

ALL = ["".join(c) for pairs in permutations(("RL", "AP", "SI")) for c in product(*pairs)]
# From (x, y, z) to (right, anterior, superior), as nibabel has it, to our (z, y, x) to (S, P, L).
BACKWARDS = np.eye(4)[[2, 1, 0, 3]]
NEGATED = np.diag([-1.0, -1, 1, 1])


def ours(nifti: np.ndarray) -> np.ndarray:
    """Return the affine of a NIfTI file as `Volume` keeps it."""
    return BACKWARDS @ NEGATED @ nifti @ BACKWARDS


def nifti_affine(codes: str, tilt: float = 0.0) -> np.ndarray:
    """Return an affine, spacing 1 x 2 x 3, of that orientation as nibabel names it, tilted."""
    ornt = nibabel.orientations.axcodes2ornt(codes)
    affine = np.zeros((4, 4))
    for axis, (world, sign) in enumerate(ornt):
        affine[int(world), axis] = sign * (axis + 1)
    affine[:, 3] = 7, -5, 3, 1
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]
    return turn @ affine


def world(volume: Volume, point: np.ndarray) -> np.ndarray:
    return (volume.affine @ [*point, 1])[:3]


def marked(codes: str, tilt: float = 0.0) -> Volume:
    array = np.random.default_rng(0).permutation(4 * 5 * 6).reshape(4, 5, 6)
    return Volume(array, "ZYX", (3, 2, 1), "mm", ours(nifti_affine(codes, tilt)))


def test_there_are_48_orientations_and_they_are_named_as_nibabel_names_them() -> None:
    assert len(set(ALL)) == 48
    for codes in ALL:
        affine = nifti_affine(codes, 0.3)
        assert orientation_of(ours(affine)) == "".join(nibabel.aff2axcodes(affine)) == codes


@pytest.mark.parametrize("codes", ALL)
def test_reoriented_volumes_have_the_orientation_and_every_voxel_stays_in_place(codes) -> None:
    volume = marked("LPS", 0.2)
    reoriented_volume = reoriented(volume, codes)
    assert orientation_of(reoriented_volume.affine) == codes
    for value in (0, 17, 119):
        before, after = (np.argwhere(v.array == value)[0] for v in (volume, reoriented_volume))
        assert np.allclose(world(volume, before), world(reoriented_volume, after))
    columns = np.linalg.norm(reoriented_volume.affine[:3, :3], axis=0)
    assert np.allclose(columns, reoriented_volume.spacing)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ALL), st.sampled_from(ALL), st.floats(-0.5, 0.5))
def test_reorienting_there_and_back_gives_the_same_volume(start, target, tilt) -> None:
    volume = marked(start, tilt)
    back = reoriented(reoriented(volume, target), start)
    assert np.array_equal(back.array, volume.array)
    assert np.allclose(back.affine, volume.affine)
    assert back.spacing == volume.spacing


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ALL), st.sampled_from(ALL))
def test_a_reorientation_and_its_inverse_are_views_that_undo_each_other(start, target) -> None:
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    turn = turn_to(ours(nifti_affine(start)), target)
    assert np.array_equal(turn.back(turn(array)), array)
    assert np.shares_memory(turn.back(turn(array)), array)
    assert turn.inverse.inverse == turn


def test_reoriented_arrays_equal_those_of_nibabel() -> None:
    affine, array = nifti_affine("PIR", 0.1), np.arange(60).reshape(3, 4, 5)
    image = nibabel.Nifti1Image(array.astype(np.int32), affine)
    canonical = nibabel.as_closest_canonical(image)
    reoriented_volume = reoriented(Volume(array.T, "ZYX", (3, 2, 1), "mm", ours(affine)), "RAS")
    assert np.array_equal(reoriented_volume.array, np.asarray(canonical.dataobj).T)
    assert np.allclose(reoriented_volume.affine, ours(canonical.affine))


def test_the_same_orientation_changes_nothing() -> None:
    assert turn_to(ours(nifti_affine("RAS")), "ras") == Turn()


def test_invalid_orientations_and_affines_are_refused() -> None:
    for codes in ("RAX", "RRS", "RA", ""):
        with pytest.raises(InputError, match="R or L"):
            reoriented(marked("RAS"), codes)
    for affine in (np.zeros((4, 4)), np.full((4, 4), np.nan), np.eye(3)):
        with pytest.raises(InputError, match="affine"):
            orientation_of(affine)
    with pytest.raises(InputError, match="cannot be reoriented to RAS"):
        reoriented(Volume(np.zeros((4, 4, 4)), "ZYX"), "RAS")


@pytest.mark.parametrize("axes", ["ZYX", "TZYX", "CZYX", "ZYXC"])
def test_an_upright_volume_keeps_its_points_in_place(axes: str) -> None:
    rng = np.random.default_rng(0)
    sizes = {"T": 2, "C": 3, "Z": 4, "Y": 5, "X": 6}
    array = rng.random([sizes[a] for a in axes])
    for order in permutations(range(3)):
        linear = np.diag([3.0, -2.0, 1.5])[list(order)] + rng.normal(0, 0.01, (3, 3))
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = linear, (1, 2, 3)
        spacing = tuple(np.linalg.norm(linear, axis=0).tolist())
        volume = Volume(array, axes, spacing, "mm", affine)
        found = upright(volume)
        assert (np.abs(np.diag(found.affine)[:3]) > 1).all()
        assert np.allclose(np.linalg.norm(found.affine[:3, :3], axis=0), found.spacing)
        new = np.array([1, 2, 3])
        old = np.rint(np.linalg.solve(affine, found.affine @ [*new, 1]))[:3].astype(int)
        here, there = dict(zip("ZYX", new, strict=True)), dict(zip("ZYX", old, strict=True))
        at = [tuple(d.get(a, 1) for a in axes) for d in (here, there)]
        assert found.array[at[0]] == volume.array[at[1]]
