"""Bundles of MONAI's zoo, imported, give the maps of MONAI's own inference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai_bundles import ZOO, outputs_of_monai, write_bundle, write_image

from napari_tally.core.progress import drain
from napari_tally.files import read
from napari_tally.models.bundle import load_model
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.segmentation.prediction import Prediction
from napari_tally.segmentation.setup.options import SegmentOptions
from napari_tally.segmentation.setup.run_setup import set_up
from napari_tally.segmentation.stopwatch import Stopwatch

SAME = 1e-4


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))


def maps_of_ours(name, image) -> np.ndarray:
    """Return the maps (C, *spatial) of the pipeline, before they are stored as float16."""
    model = load_model(name)
    setup = set_up(read(image), model, SegmentOptions(device="cpu", precision="float32"))
    prediction = drain(Prediction.begin_steps(setup, Stopwatch()))
    planes = []
    for index in setup.planes.indices():
        prepared = prediction.input_of(setup.planes.at(index))
        planes.append(drain(setup.strategy.map_steps(prepared, prediction.inference, setup.head)))
    maps = planes[0] if len(planes) == 1 else np.stack(planes, 1)
    return np.asarray(maps)


@pytest.mark.parametrize("flipped", [False, True], ids=["RAS", "LPS"])
@pytest.mark.parametrize("name", list(ZOO))
def test_the_maps_are_those_of_monai(tmp_path, name, flipped) -> None:
    zoo = ZOO[name]
    if flipped and not any(t["_target_"] == "Orientationd" for t in zoo.before):
        pytest.skip("it takes images as they are")
    if zoo.network["_target_"] == "SwinUNETR":
        pytest.importorskip("einops")
    folder = write_bundle(tmp_path / "bundle", zoo, yaml=name == "template")
    image = write_image(tmp_path / "image", zoo, flipped=flipped)
    save_proposal(propose(folder, ImportSettings(model_name="imported")))
    head = load_model("imported").info.head
    raw = torch.from_numpy(outputs_of_monai(folder, image))
    expected = head.activate(raw[None])[0].numpy()
    expected = expected.transpose(0, *range(expected.ndim - 1, 0, -1))  # (Z, Y, X)
    ours = maps_of_ours("imported", image)
    assert ours.shape == expected.shape
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(ours, expected, atol=SAME, rtol=0)
