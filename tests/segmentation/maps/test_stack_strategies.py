"""Stacks with a 2D model: objects of the volume, by a strategy that is chosen and reported."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

import napari_tally
from napari_tally import Volume
from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.metrics.match import match
from napari_tally.models.bundle import load_model
from napari_tally.segmentation.maps import three_views
from napari_tally.segmentation.maps.stack_strategies import Auto, Link, Slices, Views
from napari_tally.segmentation.reproduce import command_line, python_code
from napari_tally.segmentation.segment import segment_steps, separate_steps
from napari_tally.segmentation.setup.options import SegmentOptions
from napari_tally.simulate.nuclei import NucleiField


@pytest.fixture(scope="module")
def model():
    return load_model("nuclei-2d")


def field(coarse: float, seed: int = 0) -> tuple[Volume, np.ndarray]:
    """Return a stack of nuclei, some of them touching, with slices `coarse` px apart."""
    spacing = (0.5 * coarse, 0.5, 0.5)
    options = {"shape": (round(44 / coarse), 64, 72), "spacing_um": spacing, "diameter_um": 8.0}
    drawn = NucleiField(**options, count=14, haze=0.1, photons=200, seed=seed)
    image, labels = drawn.draw()
    return Volume(image, "ZYX", spacing, "um", name="stack"), labels


def score(result, ground_truth: np.ndarray) -> float:
    return match(result.labels, ground_truth, [0.5])[0].ap


@pytest.mark.parametrize("coarse", [1.0, 3.0])
def test_three_views_find_the_nuclei_of_a_stack_on_its_own_grid(model, coarse) -> None:
    volume, ground_truth = field(coarse)
    result = napari_tally.segment(volume, model)
    assert result.strategy == Views()
    assert score(result, ground_truth) > 0.75
    assert result.volume.spacing == volume.spacing
    assert "volume_um3" in result.table and "z" not in result.table
    assert any("orthogonal views" in note for note in result.notes)


def test_linked_slices_are_better_than_separate_slices(model) -> None:
    volume, ground_truth = field(2.0)
    linked, separate = (napari_tally.segment(volume, model, stack=s) for s in ("link", "slices"))
    assert score(linked, ground_truth) > 0.3 > 0.1 > score(separate, ground_truth)
    assert set(separate.table["z"]) <= set(range(len(ground_truth)))
    assert any("each slice" in note for note in separate.notes)


def test_coarse_and_shallow_stacks_are_linked_and_the_reason_is_reported(model) -> None:
    volume, _ = field(2.0)
    coarse = Volume(volume.array, "ZYX", (4.0, 0.5, 0.5), "um", name="coarse")
    shallow = Volume(volume.array[:5], "ZYX", volume.spacing, "um", name="shallow")
    for stack, reason in ((coarse, "8 times as far apart"), (shallow, "only 10 px deep")):
        result = napari_tally.segment(stack, model)
        assert result.strategy == Link()
        assert any("linked" in note and reason in note for note in result.notes)


def test_an_absurd_calibration_is_refused_in_a_sentence(model) -> None:
    volume = Volume(np.ones((4, 40, 40), np.uint8), "ZYX", (1e6, 0.5, 0.5), "um", name="odd")
    with pytest.raises(InputError, match="Correct the spacing"):
        napari_tally.segment(volume, model)


def test_without_a_calibration_voxels_are_assumed_to_be_cubes_with_a_note(model) -> None:
    volume, ground_truth = field(1.0)
    result = napari_tally.segment(np.asarray(volume.array), model, axes="ZYX")
    assert score(result, ground_truth) > 0.75
    assert any("cubic voxels are assumed" in note for note in result.notes)


@pytest.mark.parametrize("strategy", ["views", "link"])
def test_kept_maps_of_a_stack_are_decoded_again_as_a_new_run_would(model, strategy) -> None:
    volume, _ = field(2.0)
    first = SegmentOptions(stack=strategy, keep_maps=True)
    kept = drain(segment_steps(volume, model, first))
    other = first.model_copy(update={"threshold": 0.5, "min_size": "20um3"})
    again = drain(separate_steps(volume, model, other, kept))
    afresh = drain(segment_steps(volume, model, other))
    np.testing.assert_array_equal(again.labels, afresh.labels)
    assert again.table.equals(afresh.table)


def test_frames_of_a_stack_have_their_own_ids(model) -> None:
    volume, _ = field(2.0)
    movie = Volume(np.stack([volume.array, volume.array[:, ::-1]]), "TZYX", volume.spacing, "um")
    result = napari_tally.segment(movie, model)
    assert set(result.table["t"]) == {0, 1}
    assert result.table["label"].is_unique


def test_a_stack_of_one_slice_is_a_plane(model) -> None:
    volume, _ = field(1.0)
    result = napari_tally.segment(Volume(volume.array[20:21], "ZYX"), model)
    assert not result.strategy.joins
    assert not any("orthogonal views" in note for note in result.notes)


def test_views_of_ideal_maps_are_ideal_maps_in_3d(model, monkeypatch) -> None:
    ground_truth = np.zeros((40, 40, 40), np.int32)
    grid = np.indices(ground_truth.shape)
    for i, centre in enumerate([(20, 20, 12), (20, 20, 27)], start=1):
        near = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) < 8**2
        ground_truth[near & (ground_truth == 0)] = i

    class Perfect:
        """Knows the ground truth of any slice by the ids in it."""

        def slices_steps(self, stack):
            yield from ()
            planes = np.rint(stack[0]).astype(int)
            return np.stack([model.info.head.encode(p) for p in planes], 1)

    whole = ground_truth[None].astype(np.float32)
    monkeypatch.setattr(three_views, "_SLAB", 1e-3)  # the ids are not to be blurred
    maps = drain(three_views.view_steps(whole, Perfect(), model.info.head.vectors(3)))
    assert maps.shape == (7, *ground_truth.shape)
    assert match(model.info.head.decode(maps), ground_truth, [0.9])[0].ap == 1


def test_a_strategy_is_a_name_or_an_option() -> None:
    assert SegmentOptions().stack == Auto()
    assert SegmentOptions(stack="link").stack == Link()
    options = SegmentOptions(stack={"name": "link", "gap": 2})
    assert options.stack == Link(gap=2)
    assert SegmentOptions.model_validate_json(options.model_dump_json()) == options
    assert SegmentOptions(stack="slices").model_dump()["stack"] == Slices().name
    with pytest.raises(ValidationError):
        SegmentOptions(stack="sideways")


def test_a_strategy_is_in_the_code_that_reproduces_a_run() -> None:
    options = SegmentOptions(stack="views")
    arguments = {"axes": "ZYX", "spacing": None}
    assert "stack='views'" in python_code("image", "nuclei-2d", options, **arguments)
    assert "--stack views" in command_line("a.tif", "nuclei-2d", options, **arguments)


def test_the_default_model_of_a_stack_is_the_3d_model() -> None:
    from napari_tally.models.bundle import default_model

    def chosen(shape: tuple[int, ...], axes: str) -> str:
        return default_model(Volume(np.zeros(shape, np.uint8), axes))

    assert chosen((40, 20, 20), "ZYX") == chosen((2, 9, 20, 20), "TZYX") == "nuclei-3d"
    assert chosen((20, 20), "YX") == chosen((30, 20, 20), "TYX") == "nuclei-2d"
    assert chosen((3, 20, 20), "ZYX") == "nuclei-2d"  # too shallow
