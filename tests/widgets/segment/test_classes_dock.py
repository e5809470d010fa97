"""Classes in the Segment dock: a coloured layer on the image, its table, and objects when asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import torch

from napari_tally.geometry.orientation import upright
from napari_tally.heads import Semantic
from napari_tally.models.bundle import save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.architectures import UNet
from napari_tally.network.tile_layout import Tiling
from napari_tally.widgets.controls.settings import remembered
from napari_tally.widgets.layers.placement import placed_volume
from napari_tally.widgets.plugin.reader import layers_of

COLORS = ("#ff0000", "#00ff00")


@pytest.fixture
def dock(make_napari_viewer, tmp_path) -> Iterator:
    """A dock with an oblique volume and an untrained model of two classes that expects RAS."""
    torch.manual_seed(3)
    head = Semantic(classes=("bright", "brighter"))
    network = UNet(
        spatial_dims=3, out_channels=3, channels=(4, 8), strides=(2,), num_res_units=0,
        norm="instance",
    )  # fmt: skip
    info = ModelInfo(
        name="two-classes", version="1", description="Two classes", licence="BSD-3-Clause",
        head=head, colors=COLORS,
        preprocessing=Preprocessing(
            orientation="RAS", spacing=(1.0, 1.0, 1.0), spacing_unit="mm",
            tiling=Tiling(tile=64, halo=8),
        ),
    )  # fmt: skip
    save_model(tmp_path / "two-classes", info, network, network.build().state_dict())
    remembered().model_folder = str(tmp_path)
    viewer = make_napari_viewer(show=True)
    dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    dock.form.model.value = str(tmp_path / "two-classes")
    yield dock
    remembered().model_folder = ""


@pytest.fixture
def brain(dock):
    """A turned volume of 2 x 1 x 1 mm, as our reader opens one."""
    from napari_tally.core.volume import Volume

    rng = np.random.default_rng(0)
    array = rng.normal(size=(12, 22, 26)).astype(np.float32)
    turned = np.array([[2.0, 0, 0], [0, -1, 0], [0, 0, 1.0]])[[2, 1, 0]]  # sagittal slices
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turned, (5, 6, 7)
    spacing = tuple(np.linalg.norm(turned, axis=0).tolist())
    volume = Volume(array, "ZYX", spacing, "mm", affine, name="brain")
    (layer,) = layers_of([volume])
    dock.viewer.add_image(layer[0], **layer[1])
    return upright(volume)


def test_a_layer_keeps_its_orientation(dock, brain) -> None:
    assert np.allclose(placed_volume(dock.viewer.layers["brain"]).affine, brain.affine)


def test_classes_lie_on_the_image_in_their_colours(dock, brain, finish) -> None:
    import napari_tally

    assert not dock.form.object_size.native.isVisibleTo(dock)
    assert not dock.form.stack.native.isVisibleTo(dock)
    finish(dock)
    viewer, layer = dock.viewer, dock.viewer.layers["brain two-classes"]
    direct = napari_tally.segment(brain, dock.model)
    assert np.array_equal(layer.data, direct.classes.array) and layer.data.max() > 0
    assert layer.extent.world.tolist() == viewer.layers["brain"].extent.world.tolist()
    red = layer.get_color(int(layer.data[layer.data > 0][0]))
    assert np.allclose(red, [1, 0, 0, 1]) or np.allclose(red, [0, 1, 0, 1])
    assert layer.get_color(0) is None or np.allclose(layer.get_color(0)[-1:], 0)
    assert layer.features["class_name"][1:].tolist() == ["bright", "brighter"]
    assert "bright" in dock.panel.status.text() and "mm³" in dock.panel.status.text()
    assert len(viewer.layers) == 2


def test_separated_objects_come_with_their_class(dock, brain, finish, until, tmp_path) -> None:
    finish(dock)
    assert not dock.tune.min_size.native.isVisibleTo(dock.tune)
    before = dock.done
    dock.tune.separate.value = True
    assert dock.tune.min_size.native.isVisibleTo(dock.tune)
    until(lambda: dock.done is not before)
    objects = dock.viewer.layers["brain objects"]
    assert set(objects.features["class_name"][1:]) <= {"bright", "brighter"}
    assert objects.data.max() == dock.done.result.count > 0
    dock.take_away.write(tmp_path / "t.csv")
    assert len(pd.read_csv(tmp_path / "t.csv")) == dock.done.result.count
    assert len(pd.read_csv(tmp_path / "t_classes.csv")) == 2


def test_maps_of_a_turned_volume_lie_on_it(dock, brain, finish) -> None:
    finish(dock)
    dock.take_away.show_maps()
    own = dock.viewer.layers["brain"]
    for name in ("background", "bright", "brighter"):
        layer = dock.viewer.layers[f"brain {name}"]
        assert np.allclose(layer.extent.world, own.extent.world, atol=1.5)
    bright = dock.viewer.layers["brain background"].data
    found = dock.viewer.layers["brain two-classes"].data
    if bright.shape == found.shape:
        assert bright[found == 0].mean() > bright[found > 0].mean()
