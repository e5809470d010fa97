"""Scenes of things on stuff: classes and objects agree, and a seed draws one scene."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from napari_tally.core.connected_components import components
from napari_tally.simulate.mixed import CellsOnTissue, LesionsInOrgan

SCENES = [LesionsInOrgan, CellsOnTissue]


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("shape", [(128, 160), (32, 64, 64)])
def test_every_thing_is_one_connected_object_of_one_class(scene, shape) -> None:
    image, objects, classes = scene(shape=shape, diameter=10, count=20).draw()
    things = [i for i, (_, kind) in enumerate(scene.classes, start=1) if kind == "thing"]
    assert image.shape == objects.shape == classes.shape == shape
    assert image.dtype == np.float32 and np.isfinite(image).all()
    assert np.array_equal(np.isin(classes, things), objects > 0)
    assert objects.max() > 3
    assert set(np.unique(objects)) == set(range(int(objects.max()) + 1))
    for number in range(1, int(objects.max()) + 1):
        own = objects == number
        assert len(np.unique(classes[own])) == 1
        assert components(own.astype(np.uint8)).max() == 1


@pytest.mark.parametrize("scene", SCENES)
def test_classes_differ_in_brightness_and_seeds_in_everything(scene) -> None:
    image, _, classes = scene(seed=3).draw()
    assert np.array_equal(scene(seed=3).draw()[0], image)
    assert not np.array_equal(scene(seed=4).draw()[2], classes)
    assert image[classes == 1].mean() > image[classes == 0].mean() + 0.2


def test_both_kinds_of_cells_are_there() -> None:
    _, objects, classes = CellsOnTissue(shape=(256, 256), count=40).draw()
    kinds = [classes[objects == i][0] for i in range(1, int(objects.max()) + 1)]
    assert min(kinds.count(2), kinds.count(3)) > 5


@pytest.mark.parametrize(
    "wrong", [{"shape": (10, 40)}, {"shape": (40,)}, {"diameter": 60, "shape": (64, 64)}]
)
def test_impossible_scenes_are_refused(wrong) -> None:
    with pytest.raises(ValidationError, match="must be"):
        LesionsInOrgan(**wrong)
