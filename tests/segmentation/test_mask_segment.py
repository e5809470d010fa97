"""Models that return masks or boxes, through the whole pipeline."""

from __future__ import annotations

import numpy as np
import pytest
from fields import nuclei
from mask_models import (
    FORMS,
    Watching,
    box_model,
    panoptic_model,
    true_model,
    watching_model,
)
from raw_outputs import Truth, discs

from napari_tally import Volume, segment
from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.heads import Masks
from napari_tally.metrics.match import match
from napari_tally.models.model_info import Source
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.normalize import Standard
from napari_tally.segmentation.segment import separate_steps
from napari_tally.segmentation.setup.options import SegmentOptions


def dense(seed: int = 3) -> np.ndarray:
    """Return touching nuclei of about 14 px."""
    return nuclei((160, 200), diameter=14, seed=seed)[1]


def picture(labels: np.ndarray) -> np.ndarray:
    """Return an 8-bit image of the objects."""
    return np.where(labels > 0, 200, 20).astype(np.uint8)


def separate_discs(shape: tuple[int, int], radius: float, gap: int, seed: int = 0) -> np.ndarray:
    """Return labels of discs on a jittered lattice, which do not touch."""
    rng, step = np.random.default_rng(seed), int(2 * radius + gap)
    centres = [
        (y + rng.uniform(-gap / 3, gap / 3), x + rng.uniform(-gap / 3, gap / 3))
        for y in range(step // 2, shape[0] - step // 2, step)
        for x in range(step // 2, shape[1] - step // 2, step)
    ]
    masks = discs(shape, centres, radius)
    return (masks * np.arange(1, len(masks) + 1)[:, None, None]).max(axis=0)


def ap(found: np.ndarray, labels: np.ndarray, iou: float = 0.5) -> float:
    return match(found, labels, (iou,))[0].ap


@pytest.mark.parametrize("form", FORMS)
def test_every_form_comes_back_at_four_times_the_size(form, tmp_path) -> None:
    labels = dense()
    result = segment(picture(labels), true_model(tmp_path, form, Truth.of_labels(labels, zoom=4)))
    assert ap(result.labels, labels) == 1.0
    assert ap(result.labels, labels, 0.75) == 1.0
    assert result.count == labels.max()
    assert {"score", "class", "class_name", "visible_area_px2", "confidence"} <= set(result.table)
    assert set(result.table["class_name"]) == {"nucleus"}
    assert result.model["name"] == "imported"


@pytest.mark.parametrize("form", FORMS)
def test_objects_that_overlap_are_kept_whole(form, tmp_path) -> None:
    masks = discs((120, 120), [(60, 50), (60, 50 + 0.97 * 20)], 20)
    image = picture(masks.any(axis=0))
    result = segment(image, true_model(tmp_path, form, Truth(masks, zoom=4)))
    assert result.count == 2
    for label, mask in enumerate(masks, start=1):
        own, full = result.labels == label, result.full_masks.find(label)
        if full is not None:
            own[full.box] |= full.mask()
        assert (own & mask).sum() / (own | mask).sum() > 0.95


def test_boxes_come_back_without_labels(tmp_path) -> None:
    truth = Truth.of_labels(dense(), zoom=4)
    result = segment(picture(dense()), box_model(tmp_path, truth))
    assert np.allclose(result.boxes, truth.boxes[:, [1, 0, 3, 2]] / 4, atol=1e-3)
    assert not result.labels.any()
    assert len(result.table) == len(truth.masks)


@pytest.mark.parametrize("form", ["queries", "prototypes v8", "small masks", "boxes"])
def test_tiles_give_the_objects_of_the_whole_image(form, tmp_path) -> None:
    labels = separate_discs((600, 700), 20, 12)
    session = Watching(form)
    model = watching_model(tmp_path, session)
    whole = segment(picture(labels), model)
    assert session.shapes == [(1, 608, 704)]
    session.shapes.clear()
    tiled = segment(picture(labels), model, tiling={"tile": 160, "halo": 24}, object_size="40px")
    assert len(session.shapes) > 12
    assert {shape[1:] for shape in session.shapes} == {(160, 160)}
    assert tiled.count == whole.count == labels.max()
    if form == "boxes":
        order = [np.lexsort(r.boxes.T) for r in (tiled, whole)]
        assert np.abs(tiled.boxes[order[0]] - whole.boxes[order[1]]).max() < 0.01
    else:
        assert ap(tiled.labels, whole.labels, 0.9) >= 0.995
    assert not any("may be cut" in note for note in tiled.notes)


def test_tiles_that_are_too_small_warn(tmp_path) -> None:
    labels = separate_discs((300, 300), 40, 12)
    model = watching_model(tmp_path, Watching("queries"))
    found = segment(picture(labels), model, tiling={"tile": 128, "halo": 8}, object_size="40px")
    assert any("may be cut or missed" in note for note in found.notes)


def test_small_objects_are_enlarged_in_tiles(tmp_path) -> None:
    labels = separate_discs((400, 400), 6, 8)
    session = Watching("queries")
    model = watching_model(tmp_path, session, size=(320, 320))
    found = segment(picture(labels), model)
    assert found.count == labels.max()
    assert found.scale > 3
    assert found.diameter_px == pytest.approx(12, rel=0.15)
    assert {s[1:] for s in session.shapes} == {(320, 320)}
    assert ap(found.labels, labels, 0.75) == 1.0
    assert any("upscaled" in note for note in found.notes)


def test_what_is_lost_by_shrinking_is_found_in_tiles(tmp_path) -> None:
    labels = separate_discs((500, 500), 12, 10)
    session = Watching("prototypes v8", least=200)  # none is seen in the shrunk image
    found = segment(picture(labels), watching_model(tmp_path, session, size=(256, 256)))
    assert ap(found.labels, labels) == 1.0


def test_an_image_is_not_enlarged_for_a_network_that_does_not_know_large_objects(tmp_path) -> None:
    labels = separate_discs((320, 320), 6, 8)
    session = Watching("queries", most=400)
    found = segment(picture(labels), watching_model(tmp_path, session, size=(320, 320)))
    assert found.scale == 1
    assert found.count == labels.max()


def test_a_known_object_size_decides_the_scale(tmp_path) -> None:
    labels = separate_discs((320, 320), 8, 8)
    preprocessing = Preprocessing(
        normalizer=Standard(), diameter=DiameterRange(low=40, typical=48, high=60)
    )
    session = Watching("queries", least=800)  # seen at 32 px or more
    model = watching_model(tmp_path, session, size=(320, 320), preprocessing=preprocessing)
    found = segment(picture(labels), model, object_size="16px")
    assert found.scale == pytest.approx(3)
    assert ap(found.labels, labels, 0.75) == 1.0


def test_slices_are_linked(tmp_path) -> None:
    labels = dense()
    stack = np.stack([picture(labels)] * 5)
    model = true_model(tmp_path, "queries", Truth.of_labels(labels, zoom=4))
    found = segment(stack, model, axes="ZYX", spacing="1,0.5,0.5um")
    assert found.labels.shape == stack.shape
    assert found.count == labels.max()
    assert all(ap(plane, labels) == 1.0 for plane in found.labels)
    assert "visible_volume_um3" in found.table
    separate = segment(stack, model, axes="ZYX", stack="slices")
    assert separate.count == 5 * labels.max()
    frames = segment(stack, model, axes="TYX")
    assert frames.count == 5 * labels.max()
    assert frames.table["t"].nunique() == 5
    sizes = np.bincount(found.labels.ravel())[1:]
    large = segment(stack, model, axes="ZYX", min_size=f"{np.median(sizes):.0f}px3")
    assert large.count == (sizes >= round(np.median(sizes))).sum()
    assert np.unique(large.labels).tolist() == list(range(large.count + 1))


def test_regions_are_behind_objects(tmp_path) -> None:
    labels = dense()
    regions = np.ones(labels.shape, int)
    regions[:, 120:] = 2
    model = panoptic_model(tmp_path, Truth.of_labels(labels, zoom=4), regions)
    found = segment(picture(labels), model)
    classes = np.asarray(found.classes.array)
    inside = found.labels > 0
    assert (classes[inside] == 1).all()
    assert (classes[~inside] == regions[~inside] + 2).mean() > 0.99
    kinds = dict(zip(found.classes_table["class_name"], found.classes_table["kind"], strict=True))
    assert kinds == {"nucleus": "thing", "other": "thing", "stroma": "stuff", "lumen": "stuff"}
    assert len(found.segments) == found.count + 2


def test_kept_objects_are_resolved_again_without_the_network(tmp_path) -> None:
    labels = separate_discs((400, 500), 20, 12)
    session = Watching("prototypes v8")
    model = watching_model(tmp_path, session)
    options = SegmentOptions(tiling={"tile": 160}, object_size="40px", keep_maps=True)
    volume = Volume(picture(labels), "YX")
    first = segment(volume, model, **options.model_dump())
    runs = len(session.shapes)
    higher = options.model_copy(update={"threshold": 0.8})
    again = drain(separate_steps(volume, model, higher, first))
    assert len(session.shapes) == runs
    fresh = segment(volume, model, **higher.model_dump())
    assert 0 < again.count < first.count
    assert np.array_equal(again.labels, fresh.labels)
    assert again.table.equals(fresh.table)
    assert again.masks is first.masks


def test_a_model_of_photographs_that_finds_nothing_says_so(tmp_path) -> None:
    source = Source(format="ONNX", trained_on="photographs")
    model = watching_model(tmp_path, Watching("queries", least=10**6), source=source)
    image = np.random.default_rng(0).integers(0, 99, (64, 64)).astype(np.uint8)
    found = segment(image, model)
    assert found.count == 0
    note = found.notes[-1]
    assert "trained on photographs: 2 classes (nucleus, other), and none was found" in note


@pytest.mark.parametrize("fill", [0, np.nan])
def test_constant_images_are_empty(fill, tmp_path) -> None:
    model = true_model(tmp_path, "queries", Truth.of_labels(dense(), zoom=4))
    found = segment(np.full((40, 50), fill, np.float32), model)
    assert found.count == 0
    boxes = segment(np.zeros((40, 50)), box_model(tmp_path / "b", Truth.of_labels(dense(), zoom=4)))
    assert boxes.boxes.shape == (0, 4)


def test_nan_is_background_with_a_note(tmp_path) -> None:
    labels = dense()
    image = picture(labels).astype(np.float32)
    image[:3, :3] = np.nan
    model = true_model(tmp_path, "queries", Truth.of_labels(labels, zoom=4))
    found = segment(image, model)
    assert found.count == labels.max()
    assert any("9 voxels" in note for note in found.notes)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"tta": True}, "cannot be averaged"),
        ({"stack": "views", "axes": "ZYX"}, "cannot be merged over views"),
        ({"tiling": {"tile": 64}}, "tiles of"),
        ({"tune": {"waist": 0.3}}, "no parameter"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, problem, tmp_path) -> None:
    model = true_model(tmp_path, "queries", Truth.of_labels(dense(), zoom=4))
    image = np.stack([picture(dense())] * 3) if "axes" in options else picture(dense())
    with pytest.raises(InputError, match=problem):
        segment(image, model, **options)


def test_the_least_visible_share_is_a_parameter(tmp_path) -> None:
    masks = discs((120, 120), [(60, 50), (60, 60)], 20)
    head = Masks(least_visible=0.1)
    model = true_model(tmp_path, "prototypes v8", Truth(masks, zoom=4), head=head)
    image = picture(masks.any(axis=0))
    assert segment(image, model).count == 2
    assert segment(image, model, tune={"least_visible": 0.9}).count == 1
    assert segment(image, model, threshold=0.7).count == 1
