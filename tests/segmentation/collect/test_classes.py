"""Semantic models: classes match the image in any orientation, and are measured in its units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import napari_tally
from napari_tally import Volume
from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.geometry.orientation import reoriented
from napari_tally.geometry.resample import resample_image
from napari_tally.heads import Semantic
from napari_tally.models.bundle import Model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.architectures import UNet
from napari_tally.network.normalize import Identity
from napari_tally.network.tile_layout import Tiling
from napari_tally.segmentation.segment import segment_steps, separate_steps
from napari_tally.segmentation.setup.options import SegmentOptions

CLASSES = ("dim", "bright")
RAS = np.diag([1.0, -1, -1, 1])  # an array (z, y, x) that goes up, to the front, to the right


class ByIntensity(torch.nn.Module):
    """Class 1 around intensity 1, class 2 around 2, with soft edges."""

    def forward(self, image):
        return -8 * (image - torch.arange(3.0).reshape(1, 3, *(1,) * (image.ndim - 2))) ** 2


class RightHalf(torch.nn.Module):
    """Class 1 for the second half of the last axis, whatever is in the image."""

    def forward(self, image):
        side = torch.linspace(-5, 5, image.shape[-1]).expand(image.shape)
        return torch.cat([-side, side, torch.full_like(side, -9)], 1)


def model(network: torch.nn.Module, ndim: int = 3, min_size: int = 0, **inputs) -> Model:
    values = {
        "name": "threshold",
        "version": "1",
        "description": "a test",
        "licence": "CC0-1.0",
        "head": Semantic(classes=CLASSES),
        "preprocessing": Preprocessing(normalizer=Identity(), tiling=Tiling(mirror=0), **inputs),
    }
    architecture = UNet(spatial_dims=ndim, channels=(4, 8), strides=(2,), out_channels=3)
    info = ModelInfo(**values, min_size=min_size)
    return Model(info, architecture, (network.eval(),), "0" * 64, Path())


BY_INTENSITY = model(ByIntensity(), spacing=(1, 1, 1), spacing_unit="mm", orientation="RAS")
# A network that looks at places wants one window without padding: sides of even length.
RIGHT = model(RightHalf(), orientation="RAS")


def scene(spacing=(1.0, 1.0, 1.0), size=(30.0, 36.0, 40.0)) -> Volume:
    """Return a dim ball and a bright one that touches it, in mm."""
    shape = tuple(round(n / s) for n, s in zip(size, spacing, strict=True))
    z, y, x = ((i + 0.5) * s for i, s in zip(np.indices(shape), spacing, strict=True))
    image = np.zeros(shape, np.float32)
    image[(z - 15) ** 2 + (y - 18) ** 2 + (x - 13) ** 2 < 81] = 1
    image[(z - 15) ** 2 + (y - 18) ** 2 + (x - 27) ** 2 < 36] = 2
    affine = RAS @ np.diag([*spacing, 1])
    return Volume(image, "ZYX", spacing, "mm", affine, name="balls")


def test_classes_are_found_and_measured() -> None:
    volume = scene((1.0, 2.0, 0.5))
    result = napari_tally.segment(volume, BY_INTENSITY)
    assert result.classes is not None
    assert result.classes.array.shape == volume.array.shape
    assert result.classes.array.dtype == np.uint8
    assert np.array_equal(result.classes.affine, volume.affine)
    table = result.classes_table.set_index("class_name")
    expected = [(volume.array == i).sum() for i in (1, 2)]  # voxels of 1 mm³
    assert table["volume_mm3"].tolist() == pytest.approx(expected, rel=0.08)
    assert np.allclose(table["volume_ml"], table["volume_mm3"] / 1000)
    assert np.allclose(table["voxels"], table["volume_mm3"])
    assert table["intensity_mean"].tolist() == pytest.approx([1, 2], abs=0.15)
    where = np.argwhere(result.classes.array == 2)
    box = [f"bbox_{a}_{end}_px" for end in ("min", "max") for a in "zyx"]
    assert table.loc["bright", box].tolist() == [*where.min(0), *(where.max(0) + 1)]
    assert result.summary.startswith("dim ")
    assert "mm³, bright" in result.summary


def test_objects_are_separated_only_on_request() -> None:
    result = napari_tally.segment(scene(), BY_INTENSITY)
    assert result.count == 0
    assert not result.labels.any()
    assert result.labels.shape == result.classes.array.shape


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAR", "PIR", "ILA"])
def test_an_image_may_have_any_orientation(codes) -> None:
    upright = scene((1.0, 2.0, 0.5))
    expected = reoriented(napari_tally.segment(upright, BY_INTENSITY).classes, codes)
    found = napari_tally.segment(reoriented(upright, codes), BY_INTENSITY).classes
    assert np.array_equal(found.array, expected.array)
    assert np.allclose(found.affine, expected.affine)


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAR", "PIR", "ILA"])
def test_the_network_input_has_the_orientation_of_the_training(codes) -> None:
    volume = reoriented(scene(size=(32, 32, 32)), codes)
    found = napari_tally.segment(volume, RIGHT).classes
    upright = reoriented(found, "RAS").array
    assert (upright[:, :, 16:] == 1).all()
    assert (upright[:, :, :16] == 0).all()


def test_assumptions_are_reported() -> None:
    bare = scene().array
    notes = " ".join(napari_tally.segment(bare, BY_INTENSITY, axes="ZYX").notes)
    assert "RAS is assumed (x to right, y to anterior, z to superior)" in notes
    assert "voxels of 1 x 1 x 1 mm are assumed, those of the training data of threshold" in notes
    assert napari_tally.segment(scene(), BY_INTENSITY).notes == ()


def test_an_image_much_larger_than_the_training_images_gives_a_warning() -> None:
    cropped = model(ByIntensity(), spacing=(1, 1, 1), spacing_unit="mm", extent=(30, 24, 40))
    assert napari_tally.segment(scene(), cropped).notes == ()
    wide = napari_tally.segment(scene((2, 2, 2), size=(30, 40, 40)), cropped)
    assert "balls shows 30 x 40 x 40 mm" in " ".join(wide.notes)


def test_an_absurd_spacing_is_refused() -> None:
    with pytest.raises(InputError, match="Correct the spacing"):
        napari_tally.segment(scene().array, BY_INTENSITY, axes="ZYX", spacing=(1e6, 1.0, 1.0))


def test_resampled_classes_have_no_stair_steps() -> None:
    fine = scene((0.25, 0.25, 0.25))
    fine.array[fine.array == 2] = 0
    found = napari_tally.segment(fine, BY_INTENSITY).classes.array
    coarse = Volume(resample_image(fine.array[None], (30, 36, 40))[0], "ZYX", (1, 1, 1), "mm")
    stairs = np.kron(napari_tally.segment(coarse, BY_INTENSITY).classes.array, np.ones((4, 4, 4)))
    assert (found != fine.array).sum() < 0.7 * (stairs != fine.array).sum()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (0.7, 0.7, 0.7)])
def test_a_thin_sheet_is_not_lost(spacing) -> None:
    sheet = scene(spacing)
    sheet.array[:] = 0
    sheet.array[10 : 10 + round(1.5 / spacing[0])] = 2
    found = napari_tally.segment(sheet, BY_INTENSITY).classes.array
    assert (found[10:13] > 0).any(0).all()


def two_lesions() -> Volume:
    volume = scene()
    volume.array[2:4, 2:4, 2:4] = 1  # 8 mm³, apart from the dim ball
    return volume


def test_objects_are_the_components_of_each_class() -> None:
    result = napari_tally.segment(two_lesions(), BY_INTENSITY, separate=True)
    assert result.table["class_name"].tolist().count("dim") == 2
    assert result.table["class_name"].tolist().count("bright") == 1
    assert result.labels.max() == result.count == 3
    for row in result.table.itertuples():
        assert set(np.unique(result.classes.array[result.labels == row.label])) == {row[2]}
    assert np.array_equal(result.labels > 0, result.classes.array > 0)
    assert "; 3 objects" in result.summary


def test_objects_below_a_volume_in_mm3_are_dropped() -> None:
    large = napari_tally.segment(two_lesions(), BY_INTENSITY, separate=True, min_size="20mm3")
    assert large.count == 2
    assert large.table["volume_mm3"].min() > 20
    own = model(ByIntensity(), min_size=20)
    assert napari_tally.segment(two_lesions(), own, separate=True).count == 2


def test_kept_maps_give_the_same_as_a_new_run() -> None:
    volume = reoriented(scene((1.0, 2.0, 0.5)), "PIR")
    kept = drain(segment_steps(volume, BY_INTENSITY, SegmentOptions(keep_maps=True)))
    options = SegmentOptions(keep_maps=True, separate=True)
    again = drain(separate_steps(volume, BY_INTENSITY, options, kept))
    fresh = drain(segment_steps(volume, BY_INTENSITY, options))
    assert np.array_equal(again.labels, fresh.labels)
    assert np.array_equal(again.classes.array, fresh.classes.array)
    assert again.table.equals(fresh.table)
    assert again.classes_table.equals(fresh.classes_table)
    assert again.count == fresh.count > 0


def test_frames_have_a_row_a_class_each() -> None:
    frame = scene().array
    empty = np.zeros_like(frame)
    empty[0, 0, 0] = 0.01  # not constant
    result = napari_tally.segment(
        np.stack([frame, empty]), BY_INTENSITY, axes="TZYX", spacing="1mm", separate=True
    )
    table = result.classes_table
    assert table[["t", "class"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 1], [1, 2]]
    assert (table["voxels"] > 0).tolist() == [True, True, False, False]
    assert table["volume_mm3"].tolist()[2:] == [0, 0]
    assert table["bbox_z_min_px"].isna().tolist() == [False, False, True, True]
    assert result.summary.startswith("mean of 2 frames: dim")
    assert result.table["t"].tolist() == [0, 0]


def test_an_image_without_contrast_has_no_classes() -> None:
    result = napari_tally.segment(np.ones((8, 8, 8)), BY_INTENSITY, axes="ZYX", separate=True)
    assert not result.classes.array.any()
    assert result.count == 0
    assert result.classes_table["voxels"].tolist() == [0, 0]


def test_flat_images_have_areas() -> None:
    flat = model(ByIntensity(), ndim=2)
    result = napari_tally.segment(scene().array[15], flat, spacing="0.5um", separate=True)
    assert "area_um2" in result.classes_table
    assert "volume_ml" not in result.classes_table
    assert result.count == 2
    assert "µm²" in result.summary


def test_objects_of_classes_have_the_mean_confidence_of_their_voxels() -> None:
    volume = scene()
    result = napari_tally.segment(volume, BY_INTENSITY, separate=True, keep_maps=True)
    probability = result.maps[0].astype(float).max(0)  # reoriented: only sums are equal
    sizes = np.bincount(np.asarray(result.labels).ravel())[1:]
    mean = (result.table["confidence"] * sizes).sum() / sizes.sum()
    assert mean == pytest.approx(probability[result.maps[0][0] < 0.5].mean(), abs=0.01)
    copied = napari_tally.segment(volume, BY_INTENSITY, separate=True, tta=True)
    assert copied.count == result.count
    assert np.allclose(copied.table["confidence"], result.table["confidence"], atol=0.01)
