"""Heads: decoding inverts encoding, ideal outputs have no loss, odd maps do no harm."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scenes import same_objects, solid, touching
from scipy.ndimage import gaussian_filter

from napari_tally.core.connected_components import components
from napari_tally.core.errors import InputError
from napari_tally.heads import Boundary, Center, Distance, Flow, Panoptic, Semantic
from napari_tally.heads.panoptic import PanopticClass
from napari_tally.metrics.match import match
from napari_tally.objects.relabel import remove_small

PANOPTIC = Panoptic(classes=(PanopticClass(name="cell", kind="thing"),), objects=Flow())
HEADS = [Boundary(), Center(), Distance(), Flow(), Semantic(classes=("a", "b"))]
CLASSES = {"center": 3, "distance": 2, "flow": 2}  # channels that are probabilities, if not all
few = settings(max_examples=60, deadline=None)


@few
@given(touching())
def test_center_restores_every_connected_object(labels: np.ndarray) -> None:
    head = Center()
    assert head.in_domain(labels)
    assert same_objects(head.decode(head.encode(labels)), labels)


@few
@given(solid())
def test_boundary_restores_solid_objects(labels: np.ndarray) -> None:
    head = Boundary()
    if head.in_domain(labels):
        assert same_objects(head.decode(head.encode(labels)), labels)


@pytest.mark.parametrize("shape", [(20, 20), (8, 20, 20)])
@pytest.mark.parametrize("head", [*HEADS, PANOPTIC], ids=lambda h: h.name)
def test_maps_of_several_labels_are_those_of_each(head, shape) -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((3, *shape), np.int32)
    for one in labels:
        for part in (slice(1, 8), slice(9, 18)):
            one[..., part, part] = rng.integers(3)
    maps = np.empty((3, head.channels(len(shape)), *shape), np.float32)
    head.encode_all(labels, maps)
    assert all(np.array_equal(head.encode(one), own) for one, own in zip(labels, maps, strict=True))


def test_most_solid_scenes_are_in_the_domain_of_boundary() -> None:
    inside = []

    @few
    @given(solid())
    def look(labels: np.ndarray) -> None:
        inside.append(Boundary().in_domain(labels))

    look()
    assert np.mean(inside) > 0.4


@few
@given(touching())
def test_semantic_restores_classes(labels: np.ndarray) -> None:
    head = Semantic(classes=("a", "b"))
    classes = labels % 3
    assert np.array_equal(head.decode(head.encode(classes)), classes)


def test_a_bar_without_inside_is_outside_the_domain_of_boundary() -> None:
    labels = np.zeros((10, 10), np.uint16)
    labels[4:6, 2:8] = 1
    assert not Boundary().in_domain(labels)
    assert Boundary().decode(Boundary().encode(labels)).max() == 1  # found all the same


def test_a_disconnected_object_is_outside_the_domain_of_center() -> None:
    labels = np.zeros((10, 10), np.uint16)
    labels[1, 1] = labels[8, 8] = 1
    assert not Center().in_domain(labels)


@pytest.mark.parametrize("head", [Center(), Flow()], ids=lambda h: h.name)
def test_parts_connected_by_corners_only_stay_with_their_object(head: Center | Flow) -> None:
    labels = np.full((10, 10), 2, np.uint16)
    labels[4:9, 4:9] = labels[3, 3] = labels[2, 2] = 1
    assert same_objects(head.decode(head.encode(labels)), labels)


def test_center_separates_objects_in_noisy_maps() -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.indices((100, 100)), -1)
    points = np.stack(np.meshgrid([20, 50, 80], [20, 50, 80]), -1).reshape(-1, 2)
    away = np.sqrt(((grid[..., None, :] - points) ** 2).sum(-1))
    labels = np.where(away.min(-1) < 16, away.argmin(-1) + 1, 0)
    head = Center()
    maps = head.encode(labels)
    maps[:4] = np.clip(maps[:4] + rng.normal(0, 0.1, maps[:4].shape), 0, 1)
    maps[4:] += rng.normal(0, 2, maps[4:].shape)
    sizes = np.bincount(head.decode(maps).ravel())[1:]
    assert (sizes > 400).sum() == 9
    assert sizes[sizes <= 400].sum() < 0.02 * labels.size


def test_touching_balls_are_not_merged_in_noisy_maps() -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.indices((40, 76, 76)), -1)
    places = [np.arange(10, n, 18) for n in grid.shape[:3]]
    points = np.stack(np.meshgrid(*places, indexing="ij"), -1).reshape(-1, 3)
    away = np.sqrt(((grid[..., None, :] - points) ** 2).sum(-1))
    labels = np.where(away.min(-1) < 10.5, away.argmin(-1) + 1, 0)
    head = Center()
    maps = head.encode(labels)
    for channel, spread in zip(maps, [0.15] * 4 + [1.5] * 3, strict=True):
        noise = gaussian_filter(rng.normal(size=labels.shape), 1)
        channel += spread * noise / noise.std()
    assert match(remove_small(head.decode(maps), 20), labels, [0.5])[0].ap == 1


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
@pytest.mark.parametrize("shape", [(16, 16), (8, 16, 16)])
def test_the_ideal_output_has_almost_no_loss(head, shape) -> None:
    labels = np.zeros(shape, np.uint16)
    labels[..., 2:8, 2:8] = 1
    labels[..., 8:14, 2:8] = 2
    target = torch.from_numpy(head.encode(labels))[None]
    output = target.clone()
    classes = CLASSES.get(head.name, len(target[0]))
    output[:, :classes] = (target[:, :classes] - 0.5) * 40
    if head.name == "center":
        output[:, 4:] /= head.offset_scale
    if head.name == "flow":
        output[:, classes:] *= head.flow_scale
    assert head.loss(output, target) < 1e-3
    assert head.loss(torch.zeros_like(output), target) > 0.3
    assert np.allclose(head.activate(output), target, atol=1e-4)


@pytest.mark.parametrize("head", [Boundary(), Center()], ids=lambda h: h.name)
@pytest.mark.parametrize("shape", [(16, 20), (8, 16, 20)])
def test_a_missed_gap_costs_more_than_a_missed_outer_border(head, shape) -> None:
    labels = np.zeros(shape, np.uint16)
    labels[..., 2:14, 2:10] = 1
    labels[..., 2:14, 10:18] = 2
    target = torch.from_numpy(head.encode(labels))[None]

    def loss_where_border_is_missed(column: int, head: Boundary | Center) -> float:
        output = target.clone()
        output[:, :3] = (target[:, :3] - 0.5) * 10
        missed = output[..., 4:12, column]
        missed[:, 1], missed[:, 2] = 5, -5
        return float(head.loss(output, target))

    gap, outer = (loss_where_border_is_missed(column, head) for column in (9, 2))
    assert gap > 1.3 * outer
    even = head.model_copy(update={"gap_weight": 0.0})
    gap, outer = (loss_where_border_is_missed(column, even) for column in (9, 2))
    assert gap == pytest.approx(outer, rel=1e-3)


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
def test_odd_maps_give_labels(head) -> None:
    for shape in [(1, 1), (5, 7), (3, 5, 7)]:
        for fill in (0.0, 1.0, np.nan):
            labels = head.decode(np.full((head.channels(len(shape)), *shape), fill))
            assert labels.shape == shape


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
def test_other_channels_are_refused_in_a_sentence(head) -> None:
    with pytest.raises(InputError, match="channels"):
        head.decode(np.zeros((9, 8, 8)))


def test_class_ids_beyond_the_classes_are_refused() -> None:
    with pytest.raises(InputError, match="class ids from 0 to 1"):
        Semantic().encode(np.full((4, 4), 2))


def test_touching_voxels_of_two_classes_are_two_components() -> None:
    classes = np.zeros((8, 8), np.uint16)
    classes[1:3, 1:3], classes[5:7, 5:7], classes[1:3, 3:5] = 1, 1, 2
    assert components(classes).max() == 3


def test_objects_below_the_minimum_mean_probability_are_removed() -> None:
    labels = np.zeros((40, 60), np.int32)
    labels[10:30, 5:25], labels[10:30, 35:55] = 1, 2
    head = Center(threshold=0.5)
    maps = head.encode(labels)
    dim = labels == 2
    maps[:3, dim] = 0.7 * maps[:3, dim] + np.array([[0.3], [0.0], [0.0]])
    assert len(np.unique(head.decode(maps))) == 3
    kept = head.model_copy(update={"mean_probability": 0.8}).decode(maps)
    assert same_objects(kept, np.where(labels == 1, 1, 0))


def test_the_former_name_of_mean_probability_is_still_read() -> None:
    assert Center.model_validate({"confidence": 0.86}).mean_probability == 0.86
    assert "confidence" not in Center().model_dump()


def test_maps_of_any_dtype_and_order_become_contiguous_float32() -> None:
    maps = np.random.default_rng(0).random((7, 10, 12, 14)).astype(np.float16)
    fixed = maps.copy()
    fixed.flags.writeable = False
    for one in (maps, maps[:, 3:9, ::2], maps[:, ::-1], fixed, maps.astype(np.float64)):
        found = Center().checked(one)
        assert found.dtype == np.float32 and found.flags.c_contiguous
        assert np.array_equal(found, one.astype(np.float32))
