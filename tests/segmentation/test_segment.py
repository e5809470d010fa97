"""Segmentation from Python: measured objects from images of all kinds, or a clear error."""

from __future__ import annotations

import numpy as np
import pytest
from fields import nuclei

import napari_tally
from napari_tally import Volume
from napari_tally.api.inputs import as_volume
from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.metrics.match import match
from napari_tally.models.bundle import load_model
from napari_tally.segmentation.maps.kept_maps import KeptMaps
from napari_tally.segmentation.segment import segment_steps, separate_steps
from napari_tally.segmentation.setup.options import SegmentOptions


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def field():
    return nuclei()


def test_every_nucleus_gets_its_own_id_and_row(model, field) -> None:
    image, ground_truth = field
    result = napari_tally.segment(image, model, spacing="0.5um")
    assert match(result.labels, ground_truth, [0.7])[0].ap > 0.9
    assert result.labels.dtype == np.uint16
    assert result.table["label"].tolist() == list(range(1, result.count + 1))
    assert result.labels.max() == result.count
    sizes = np.bincount(result.labels.ravel())[1:]
    assert np.allclose(result.table["area_um2"], sizes * 0.25)
    assert "nuclei, median area" in result.summary


def test_the_tile_does_not_change_the_objects(model) -> None:
    image, _ = nuclei((300, 330), seed=3)
    whole = napari_tally.segment(image, model)
    tiled = napari_tally.segment(image, model, tiling={"tile": 224})
    assert match(tiled.labels, whole.labels, [0.5])[0].ap >= 0.995


@pytest.mark.parametrize("name", ["20b20ab0", "a102535b", "f4c4db3d"])
def test_the_tile_does_not_change_the_objects_of_real_images(model, shared_data, name) -> None:
    (path,) = (shared_data / "nuclei-2d-extra" / "images").glob(f"{name}*.tif")
    whole = napari_tally.segment(path, model, tiling={"tile": 2048})
    tiled = napari_tally.segment(path, model)
    assert match(tiled.labels, whole.labels, [0.5])[0].ap >= 0.995


@pytest.mark.parametrize("diameter", [100, 160])
def test_large_objects_are_recognised_and_labelled_on_the_image_grid(model, diameter) -> None:
    image, ground_truth = nuclei((700, 700), diameter)
    result = napari_tally.segment(image, model)
    assert result.scale < 1
    assert any("downscaled" in note for note in result.notes)
    assert result.labels.shape == image.shape
    assert match(result.labels, ground_truth, [0.7])[0].ap > 0.8


def test_the_size_is_estimated_where_no_coarser_probe_fits(model) -> None:
    y, x = np.indices((180, 180))
    image = 20 + 180 * (np.hypot(y - 90, x - 90) < 86)
    result = napari_tally.segment(image, model)
    assert result.diameter_px == pytest.approx(172, rel=0.25)


def test_a_given_object_size_is_used(model) -> None:
    image, ground_truth = nuclei((90, 90), 5)
    result = napari_tally.segment(image, model, object_size="5px")
    assert result.scale > 1
    assert match(result.labels, ground_truth, [0.5])[0].recall > 0.8


def test_min_size_and_threshold_are_applied(model, field) -> None:
    image, _ = field
    assert napari_tally.segment(image, model, spacing=0.5, min_size="1000um2").count == 0
    low, high = (napari_tally.segment(image, model, threshold=t).labels for t in (0.2, 0.9))
    assert (low > 0).sum() > (high > 0).sum() > 0


def test_frames_are_segmented_one_by_one_with_unique_ids(model, field) -> None:
    image, _ = field
    movie = np.stack([image, image[::-1], np.zeros_like(image)])
    result = napari_tally.segment(movie, model, axes="TYX")
    assert result.labels.shape == movie.shape
    assert result.table["label"].is_unique
    assert set(result.table["t"]) == {0, 1}
    assert any("each frame" in note for note in result.notes)
    both = set(np.unique(result.labels[0])) & set(np.unique(result.labels[1]))
    assert both == {0}


def test_every_channel_is_measured_and_one_is_segmented(model, field) -> None:
    image, _ = field
    two = Volume(np.stack([image, image // 2]), "CYX", channel_names=("DAPI", "GFP"), name="two")
    result = napari_tally.segment(two, model, channel="dapi")
    ratio = result.table["intensity_mean_DAPI"] / result.table["intensity_mean_GFP"]
    assert ratio.between(1.9, 2.1).all()
    with pytest.raises(InputError, match=r"0 \(DAPI\), 1 \(GFP\)"):
        napari_tally.segment(two, model)


def test_the_luminance_of_colours_is_one_channel_and_others_need_a_choice(model, field) -> None:
    grey = (field[0] // 2).astype(np.uint8)
    assert napari_tally.segment(np.stack([grey] * 3, -1), model).count > 5
    coloured = np.stack([grey, 0 * grey, 0 * grey], -1)
    found = napari_tally.segment(coloured, model)
    assert found.count > 5
    assert any("luminance" in note for note in found.notes)
    assert napari_tally.segment(coloured, model, channel="red").count > 5
    others = np.stack([grey, grey // 2])
    with pytest.raises(InputError, match=r"2 channels .*takes 1"):
        napari_tally.segment(others, model, axes="CYX")


def test_nan_is_reported_and_becomes_background(model, field) -> None:
    image = field[0].astype(np.float32)
    image[:5] = np.nan
    result = napari_tally.segment(image, model)
    assert result.count > 5
    assert any("NaN" in note for note in result.notes)


def test_missing_calibration_is_reported_once(model, field) -> None:
    result = napari_tally.segment(field[0], model)
    assert [n for n in result.notes if "no calibration" in n] == [
        "image has no calibration: sizes are in px (set the spacing for physical units)"
    ]
    assert "area_px2" in result.table


@pytest.mark.parametrize("fill", [0, 5, np.nan])
def test_a_constant_image_gives_an_empty_table_with_all_columns(model, field, fill) -> None:
    full = napari_tally.segment(field[0], model).table
    empty = napari_tally.segment(np.full((64, 64), fill, np.float32), model)
    assert empty.count == 0
    assert empty.labels.shape == (64, 64)
    assert list(empty.table.columns) == list(full.columns)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 5), (30, 31)])
def test_images_smaller_than_a_tile_work(model, shape) -> None:
    image = np.random.default_rng(0).poisson(9, shape)
    assert napari_tally.segment(image, model, axes="YX").labels.shape == shape


def test_huge_integers_work(model, field) -> None:
    image = field[0].astype(np.int64) * 2**33
    assert napari_tally.segment(image, model).count == napari_tally.segment(field[0], model).count


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(9), "TCZYX"),
        (np.zeros((0, 5)), "empty"),
        (np.zeros((64, 64), bool), "mask"),
        (np.zeros((64, 64), complex), "not real numbers"),
        (np.zeros((64, 64), "U1"), "not real numbers"),
        (np.zeros((2, 3, 4, 64, 64)), "letters of TCZYX"),
    ],
)
def test_other_arrays_are_refused_in_a_sentence(model, array, words) -> None:
    with pytest.raises(InputError, match=words):
        napari_tally.segment(array, model)


def test_five_channels_are_listed(model) -> None:
    with pytest.raises(InputError, match=r"5 channels \(0, 1, 2, 3, 4\)"):
        napari_tally.segment(np.zeros((5, 64, 64)), model, axes="CYX")


def test_a_missing_channel_is_refused(model, field) -> None:
    with pytest.raises(InputError, match="no channel 3"):
        napari_tally.segment(field[0], model, channel=3)


def test_a_size_in_um_needs_a_calibration(model, field) -> None:
    with pytest.raises(InputError, match="calibration"):
        napari_tally.segment(field[0], model, object_size="12um")


def test_pure_noise_has_almost_no_nuclei(model) -> None:
    noise = np.random.default_rng(0).poisson(20, (256, 256))
    assert napari_tally.segment(noise, model).count <= 3


def test_steps_are_yielded_during_the_run(model) -> None:
    image = nuclei((300, 300))[0]
    options = SegmentOptions(tiling={"tile": 160, "halo": 32}, object_size="24px")
    steps = []
    drain(segment_steps(Volume(image, "YX"), model, options), steps.append)
    assert [s.done for s in steps if s.stage == "run the network"] == list(range(1, 10))


def test_maps_are_kept_on_request(model, field) -> None:
    result = napari_tally.segment(field[0], model, keep_maps=True)
    assert result.maps[0].shape == (6, *field[0].shape)
    assert napari_tally.segment(field[0], model).maps is None


@pytest.mark.parametrize(
    "changes",
    [{"threshold": 0.3}, {"tune": {"tolerance": 0.2, "core": 0.9}}, {"min_size": "400px2"}, {}],
)
def test_decoding_kept_maps_equals_a_new_run(model, changes) -> None:
    image = np.stack([nuclei((150, 170), seed=s)[0] for s in range(2)])
    options = {"axes": "ZYX", "spacing": "1,0.5,0.5um", "stack": "slices"}
    first = napari_tally.segment(image, model, keep_maps=True, **options)
    options = SegmentOptions(object_size=f"{first.diameter_px}px", stack="slices", **changes)
    volume = as_volume(image, "ZYX", "1,0.5,0.5um")
    again = drain(separate_steps(volume, model, options, first))
    fresh = drain(segment_steps(volume, model, options))
    assert np.array_equal(again.labels, fresh.labels)
    assert again.table.equals(fresh.table)


def test_results_without_maps_cannot_be_decoded_again(model, field) -> None:
    result = napari_tally.segment(field[0], model)
    with pytest.raises(InputError, match="has no maps"):
        drain(separate_steps(as_volume(field[0]), model, SegmentOptions(), result))


@pytest.mark.parametrize("tune", [{"nonsense": 1}, {"tolerance": -1}, {"core": 2}])
def test_parameters_of_other_heads_are_refused(model, field, tune) -> None:
    with pytest.raises(InputError, match=r"no parameter 'nonsense'|cannot be"):
        napari_tally.segment(field[0], model, tune=tune)


def test_maps_above_the_memory_limit_are_on_disk() -> None:
    maps = [np.full((6, 10, 10), i, np.float16) for i in range(4)]
    kept = KeptMaps(limit=2 * maps[0].nbytes)
    for one in maps:
        kept.append(one)
    assert (kept.in_memory, kept.on_disk) == (2 * maps[0].nbytes,) * 2
    assert all(np.array_equal(a, b) for a, b in zip(kept, maps, strict=True))


def test_measure_takes_arrays_and_masks() -> None:
    labels = np.zeros((20, 20), bool)
    labels[2:6, 2:6] = labels[10:12, 10:12] = True
    table = napari_tally.measure(labels, labels * 3.0, spacing=(0.5, 0.5))
    assert table["area_um2"].tolist() == [4, 1]
    assert table["intensity_mean"].tolist() == [3, 3]


def test_measure_refuses_an_image_on_another_grid() -> None:
    with pytest.raises(InputError, match=r"\(20, 20\)"):
        napari_tally.measure(np.zeros((20, 20), int), np.zeros((20, 21)))
