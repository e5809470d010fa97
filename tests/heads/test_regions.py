"""Classes that overlap: smaller regions are in front, and each is measured in full."""

from __future__ import annotations

import numpy as np

from napari_tally import segment
from napari_tally.core.volume import Volume
from napari_tally.heads import Regions
from napari_tally.models.bundle import load_model, save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.architectures import BasicUNet
from napari_tally.network.normalize import Identity

HEAD = Regions(classes=("core", "whole"))


def test_smaller_regions_are_in_front_whatever_the_order() -> None:
    maps = np.zeros((2, 20, 20), np.float32)
    maps[0, 8:12, 8:12], maps[1, 4:16, 4:16] = 0.9, 0.9
    for order in ([0, 1], [1, 0]):
        classes = HEAD.decode(maps[order])
        assert (classes == order.index(0) + 1).sum() == 16
        assert (classes == order.index(1) + 1).sum() == 144 - 16


def _model(folder):
    """Return a model whose maps are those of its input: a core above 2, the whole above 1."""
    import torch

    architecture = BasicUNet(
        spatial_dims=2, in_channels=1, out_channels=2, features=(8, 8, 8, 8, 8, 8)
    )
    info = ModelInfo(
        name="regions", version="1", description="A test", licence="MIT", head=HEAD,
        preprocessing=Preprocessing(normalizer=Identity()),
    )  # fmt: skip
    save_model(folder, info, architecture, architecture.build().state_dict())
    model = load_model(folder)

    class Thresholds(torch.nn.Module):
        def forward(self, images):
            return torch.cat([images - 2, images - 1], 1) * 20

    model.__dict__["network"] = Thresholds()
    return model


def test_the_classes_table_has_each_region_in_full(tmp_path) -> None:
    image = np.zeros((64, 64), np.float32)
    image[10:40, 10:40], image[20:30, 20:30] = 1.5, 2.5
    volume = Volume(image, "YX", name="a", spacing=(0.5, 0.5), unit="um")
    result = segment(volume, _model(tmp_path / "m"))
    assert list(result.classes_table["class_name"]) == ["core", "whole"]
    assert list(result.classes_table["voxels"]) == [100, 900]
    np.testing.assert_allclose(result.classes_table["area_um2"], [25, 225])
    classes = np.asarray(result.classes.array)
    assert (classes == 1).sum() == 100 and (classes == 2).sum() == 800
