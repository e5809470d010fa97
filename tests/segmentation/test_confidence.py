"""Confidence stays with its object, falls with poor maps, and uses test-time augmentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fields import nuclei

import napari_tally
from napari_tally import Volume
from napari_tally.api.inputs import as_volume
from napari_tally.core.connected_components import components
from napari_tally.core.progress import drain
from napari_tally.heads import Boundary, Center, Semantic
from napari_tally.heads.confidence import Calibration
from napari_tally.heads.object_evidence import means
from napari_tally.models.bundle import load_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.segmentation.maps import blockwise
from napari_tally.segmentation.maps.decoded_objects import DecodedObjects
from napari_tally.segmentation.maps.network_grid import NetworkGrid
from napari_tally.segmentation.maps.stack_strategies import Link, Views
from napari_tally.segmentation.segment import separate_steps
from napari_tally.segmentation.setup.options import SegmentOptions

PLACE = ["centroid_y_px", "centroid_x_px"]


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def field():
    return nuclei((150, 170))[0]


def by_place(result) -> dict[tuple[int, int], float]:
    """Return the confidence of each object by its rounded centre."""
    places = result.table[PLACE].round().astype(int).itertuples(index=False)
    return dict(zip((tuple(p) for p in places), result.table["confidence"], strict=True))


def test_clear_nuclei_have_higher_confidence_than_noisy_ones(model) -> None:
    image, labels = nuclei((150, 170))
    clear = napari_tally.segment(image, model).table["confidence"]
    assert clear.between(0, 1).all() and clear.median() > 0.9
    dim = np.random.default_rng(0).poisson(20 + 5.0 * (labels > 0))
    loose = {"threshold": 0.3, "mean_probability": 0.0}
    drowned = napari_tally.segment(dim, model, tune=loose, object_size="24px")
    assert drowned.count > 3
    assert drowned.table["confidence"].median() < 0.5


def test_without_a_calibration_it_is_the_mean_probability(model, field) -> None:
    bare = model.info.model_copy(update={"confidence": None})
    result = napari_tally.segment(field, replace(model, info=bare), keep_maps=True)
    probability = 1 - result.maps[0][0].astype(float)
    means = [probability[result.labels == i].mean() for i in result.table["label"]]
    assert np.allclose(result.table["confidence"], means, atol=1e-3)


def test_it_stays_with_its_object_when_others_are_removed(model, field) -> None:
    everything = napari_tally.segment(field, model)
    sizes = everything.table["area_px2"].sort_values()
    fewer = napari_tally.segment(field, model, min_size=f"{sizes.iloc[len(sizes) // 2]:.0f}px2")
    assert 0 < fewer.count < everything.count
    assert by_place(fewer).items() <= by_place(everything).items()


def test_evidence_follows_ids_through_resampling_and_removal() -> None:
    labels = np.zeros((40, 60), np.uint16)
    labels[2:20, 2:20], labels[30, 30], labels[25:40, 40:60] = 1, 2, 3
    found = DecodedObjects(labels, np.array([[0.1], [0.2], [0.3]]))
    grid = NetworkGrid((10, 15), scale=(4.0, 4.0))  # of a quarter of the size: the speck is lost
    back = found.on(grid).large(1)
    assert back.labels.shape == (10, 15)
    assert back.evidence[:, 0].tolist() == [0.1, 0.3]
    assert back.labels.max() == 2
    assert found.large(300).evidence[:, 0].tolist() == [0.1, 0.3]


def test_block_by_block_it_is_the_same(model, monkeypatch) -> None:
    image = nuclei((300, 340), diameter=20)[0]
    whole = napari_tally.segment(image, model)
    monkeypatch.setitem(blockwise._VOXELS, 2, 200**2)
    streamed = napari_tally.segment(image, model, max_maps_gib=1e-4)
    one, other = by_place(whole), by_place(streamed)
    shared = sorted(one.keys() & other.keys())
    assert len(shared) > 0.95 * len(one)
    gap = [abs(one[place] - other[place]) for place in shared]
    assert np.median(gap) < 1e-3 and max(gap) < 0.1


@pytest.mark.parametrize("strategy", [Link(), Views()], ids=lambda s: s.name)
def test_stacks_with_a_2d_model_have_it_too(model, field, strategy) -> None:
    stack = Volume(np.stack([field[:80, :80]] * 20), "ZYX", (1, 1, 1), "um", name="rods")
    table = napari_tally.segment(stack, model, stack=strategy).table
    assert len(table) and table["confidence"].between(0, 1).all()


def test_objects_of_a_class_have_the_mean_probability_of_their_class() -> None:
    head = Semantic(classes=("a", "b"))
    maps = np.zeros((3, 8, 8), np.float32)
    maps[:, :, :4] = np.array([0.1, 0.7, 0.2])[:, None, None]
    maps[:, :, 4:] = np.array([0.04, 0.0, 0.96])[:, None, None]
    labels = components(head.decode(maps))
    found = means(labels, head.certainty(maps), 2) / 65_535
    assert np.allclose(found, [0.7, 0.96], atol=1e-4)


@pytest.mark.parametrize("shape", [(40, 60), (12, 40, 60)])
def test_evidence_separates_merged_and_dim_objects_from_single_ones(shape) -> None:
    labels = np.zeros(shape, np.int32)
    labels[..., 5:25, 5:25], labels[..., 5:25, 35:55] = 1, 2
    halves = labels.copy()
    halves[..., 15:25, 5:25][labels[..., 15:25, 5:25] > 0] = 3
    head = Center()
    one, two = head.evidence(head.encode(labels), labels)
    merged, _ = head.evidence(head.encode(halves), labels)
    names = head.evidence_names
    assert np.allclose(one, two)
    assert merged[names.index("scatter")] > one[names.index("scatter")] + 1
    dim = head.encode(labels)
    dim[:3] = 0.7 * dim[:3] + np.array([0.3, 0, 0]).reshape(3, *(1,) * len(shape))
    assert head.evidence(dim, labels)[0, 0] == pytest.approx(0.7)
    assert head.evidence(dim, labels, np.full(shape, 0.2))[0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("head", [Center(), Boundary(), Semantic()], ids=lambda h: h.name)
def test_every_head_has_one_row_of_named_evidence_per_object(head) -> None:
    labels = np.zeros((9, 9), np.uint16)
    labels[1:4, 1:4] = 1
    maps = head.encode(labels)
    assert head.evidence(maps, labels).shape == (1, len(head.evidence_names))
    assert head.evidence(maps, np.zeros_like(labels)).shape == (0, len(head.evidence_names))
    assert head.evidence(maps, labels)[0, 0] == pytest.approx(1)
    assert head.evidence_names[0] == "probability"


def test_a_calibration_for_another_head_is_refused() -> None:
    options = {"name": "a", "version": "1", "description": "", "licence": "CC0-1.0"}
    fits = Calibration(features=Boundary().evidence_names, weights=(1, 1, 1), bias=0)
    assert ModelInfo(**options, head=Boundary(), confidence=fits).confidence == fits
    with pytest.raises(ValueError, match="probability, seed, scatter, border"):
        ModelInfo(**options, head=Center(), confidence=fits)


def test_tta_gives_the_same_objects_and_can_be_decoded_again(model, field) -> None:
    plain = napari_tally.segment(field, model)
    copied = napari_tally.segment(field, model, tta=True, keep_maps=True)
    assert abs(copied.count - plain.count) <= 1
    assert len(copied.maps[0]) == model.info.head.channels(2) + 1
    spread = copied.maps[0][-1]
    assert spread.min() >= 0 and 0.01 < spread.max() < 0.6
    options = SegmentOptions(tta=True, object_size=f"{copied.diameter_px}px")
    again = drain(separate_steps(as_volume(field), model, options, copied))
    assert again.table.equals(copied.table)


def test_tta_works_block_by_block_and_for_stacks_too(model, field, monkeypatch) -> None:
    monkeypatch.setitem(blockwise._VOXELS, 2, 120**2)
    options = {"tta": True, "object_size": "24px"}
    assert napari_tally.segment(field, model, max_maps_gib=1e-4, **options).count > 5
    stack = Volume(np.stack([field[:64, :64]] * 16), "ZYX", (1, 1, 1), "um", name="rods")
    for strategy in ("link", "views"):
        assert napari_tally.segment(stack, model, stack=strategy, **options).count > 0
