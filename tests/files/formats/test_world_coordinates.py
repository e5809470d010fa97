"""The same physical point in two formats lands on the same voxel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pytest
from volumes import numbered, oblique

from napari_tally import read, write

if TYPE_CHECKING:
    from napari_tally.core.volume import Volume

pytest.importorskip("SimpleITK")
pytest.importorskip("pydicom")

from dicoms import save_series

STACK = np.arange(6 * 5 * 4, dtype=np.int16).reshape(6, 5, 4)


def voxel_at(volume: Volume, world: np.ndarray) -> tuple[int, ...]:
    """Return the voxel in which a point (z, y, x) lies."""
    affine = volume.affine
    if affine is None:
        affine = np.diag([*volume.spacing_in(volume.unit), 1.0])
    index = np.linalg.solve(affine, np.append(world, 1))[:-1]
    return tuple(int(i) for i in index.round())


@pytest.fixture
def series(tmp_path: Path) -> Volume:
    """A tilted series of DICOM."""
    turn = np.radians(25.0)
    directions = (1.0, 0.0, 0.0, 0.0, float(np.cos(turn)), float(np.sin(turn)))
    normal = np.cross(directions[:3], directions[3:])
    positions = np.array([-10.0, 20.0, 30.0]) + np.arange(6)[:, None] * 2.5 * normal
    save_series(tmp_path / "ct", STACK, positions, directions)
    return read(tmp_path / "ct")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.mhd"])
def test_a_point_of_a_dicom_is_the_same_voxel_elsewhere(
    tmp_path: Path, series: Volume, name: str
) -> None:
    write(series, tmp_path / name)
    found = read(tmp_path / name)
    for index in ((0, 0, 0), (5, 4, 3), (1, 2, 3), (4, 0, 2)):
        world = (series.affine @ [*index, 1])[:3]
        assert voxel_at(found, world) == index
        assert np.asarray(found.array)[index] == STACK[index]


def test_libraries_agree_on_the_position_of_our_files(tmp_path: Path, series: Volume) -> None:
    import SimpleITK

    write(series, tmp_path / "a.nii.gz")
    write(series, tmp_path / "a.nrrd")
    by_nibabel = nibabel.load(tmp_path / "a.nii.gz")
    for name in ("a.nii.gz", "a.nrrd"):
        by_itk = SimpleITK.ReadImage(str(tmp_path / name))
        for z, y, x in ((0, 0, 0), (5, 4, 3), (1, 2, 3)):
            left, posterior, superior = by_itk.TransformIndexToPhysicalPoint((x, y, z))
            np.testing.assert_allclose(
                (by_nibabel.affine @ [x, y, z, 1])[:3], (-left, -posterior, superior), atol=1e-3
            )
            assert by_itk[x, y, z] == STACK[z, y, x]


def test_labels_written_with_an_image_are_aligned_with_it(tmp_path: Path) -> None:
    image = oblique()
    labels = replace(oblique(dtype=np.uint16), is_labels=True)
    write(image, tmp_path / "image.nii.gz")
    for name in ("labels.nii.gz", "labels.nrrd"):
        write(labels, tmp_path / name)
        np.testing.assert_allclose(
            read(tmp_path / name).affine, read(tmp_path / "image.nii.gz").affine, atol=1e-5
        )


@pytest.mark.parametrize("name", ["a.ome.zarr", "a.nii.gz", "a.nrrd"])
def test_a_moved_microscope_image_is_the_same_voxel(tmp_path: Path, name: str) -> None:
    affine = np.diag([2.0, 0.5, 0.5, 1.0])
    affine[:3, 3] = (100.0, -20.0, 7.0)
    volume = numbered(spacing=(2.0, 0.5, 0.5), unit="um", affine=affine)
    write(volume, tmp_path / name)
    assert voxel_at(read(tmp_path / name), np.array([104.0, -19.0, 9.5])) == (2, 2, 5)


def test_a_tiff_keeps_the_spacing(tmp_path: Path) -> None:
    volume = numbered(spacing=(2.0, 0.5, 0.5), unit="um")
    write(volume, tmp_path / "a.tif")
    assert voxel_at(read(tmp_path / "a.tif"), np.array([4.0, 1.0, 2.5])) == (2, 2, 5)
