"""Boxes without masks become a Shapes layer with the table as features."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from napari.components import ViewerModel

from napari_tally import Volume
from napari_tally.core.progress import drain
from napari_tally.mask_sets.mask_set import MaskSet
from napari_tally.segmentation.collect.mask_collector import MaskCollector
from napari_tally.segmentation.mask_result import mask_result_steps
from napari_tally.segmentation.setup.options import SegmentOptions
from napari_tally.widgets.segment.box_layer import show_boxes

BOXES = np.array([[2, 3, 12, 23], [20, 5, 26, 9]], np.float32)


def done(boxes: np.ndarray | None, frames: int = 2) -> SimpleNamespace:
    volume = Volume(np.zeros((frames, 40, 50), np.uint8), "TYX", (0.5, 0.5), "um")
    collector = MaskCollector(volume, ("a", "b"))
    for t in range(frames):
        scores, classes = np.array([0.9, 0.8]), np.array([1, 2])
        collector.add((t,), MaskSet((40, 50), scores, classes, boxes, None))
    steps = mask_result_steps(collector.collected(), volume, SegmentOptions(), {"name": "m"})
    geometry = {"scale": (1, 0.5, 0.5), "translate": (0, 10, 20)}
    job = SimpleNamespace(layer_name="cells", geometry=geometry, volume=volume)
    return SimpleNamespace(result=drain(steps), job=job)


def test_boxes_are_rectangles_with_their_table() -> None:
    viewer = ViewerModel()
    layer = show_boxes(viewer, done(BOXES))
    assert len(layer.data) == 4
    assert layer.features["class_name"].tolist() == ["a", "b", "a", "b"]
    low, high = layer.data[2].min(0), layer.data[2].max(0)
    assert low.tolist() == [1, 1.5, 2.5]
    assert high.tolist() == [1, 11.5, 22.5]
    assert layer.scale.tolist() == [1, 0.5, 0.5]


def test_a_layer_of_an_earlier_run_is_replaced() -> None:
    viewer = ViewerModel()
    show_boxes(viewer, done(BOXES))
    show_boxes(viewer, done(BOXES, frames=1))
    assert len(viewer.layers) == 1
    assert len(viewer.layers[0].data) == 2


def test_no_boxes_are_an_empty_layer_and_other_results_have_none() -> None:
    viewer = ViewerModel()
    given = done(BOXES)
    given.result = SimpleNamespace(boxes=None)
    assert show_boxes(viewer, given) is None
    assert not len(viewer.layers)
