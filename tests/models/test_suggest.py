"""Each image gets the model for its kind; ambiguous ones get the default."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from napari_tally import Volume, read, segment
from napari_tally.models import suggest as module
from napari_tally.models.bundle import BLOCK, METADATA, SHIPPED, shipped_models
from napari_tally.models.suggest import better_model, suggest
from napari_tally.simulate.nuclei import NucleiField
from napari_tally.simulate.phantom import BrainPhantom

RECIPES = Path(__file__).parents[2] / "training"
LATER = ("cells_2d", "retina_vessels", "axons_sem", "organs_ct_head_neck")


@pytest.fixture(scope="module")
def all_models(tmp_path_factory) -> Path:
    """Descriptions of the shipped models, and of those that so far have only a recipe."""
    folder = tmp_path_factory.mktemp("models")
    for name in shipped_models():
        shutil.copytree(SHIPPED / name / "configs", folder / name / "configs")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(RECIPES)
        for info in (importlib.import_module(name).INFO for name in LATER):
            path = folder / info.name / METADATA
            if not path.exists():
                path.parent.mkdir(parents=True)
                path.write_text(json.dumps({BLOCK: info.model_dump(mode="json")}), "utf-8")
    return folder


@pytest.fixture(autouse=True)
def _all_shipped(all_models: Path, monkeypatch) -> None:
    names = tuple(sorted(path.name for path in all_models.iterdir()))
    monkeypatch.setattr(module, "SHIPPED", all_models)
    monkeypatch.setattr(module, "shipped_models", lambda: names)


def drawn() -> np.ndarray:
    return NucleiField(shape=(96, 96), count=6).draw()[0]


def test_dark_backgrounds_get_nuclei_and_others_cells() -> None:
    image = drawn().astype(np.float32)
    assert suggest(Volume(image, "YX")).model == "nuclei-2d"
    assert suggest(Volume(-image, "YX")).model == "cells-2d"
    assert suggest(Volume(np.stack([image] * 3), "TYX")).model == "nuclei-2d"


@pytest.mark.parametrize(
    "array",
    [np.zeros((50, 60)), np.full((50, 60), np.nan), np.zeros((50, 60), bool), np.zeros((0, 60))],
    ids=["constant", "NaN", "mask", "empty"],
)
def test_what_cannot_be_told_gets_the_default(array) -> None:
    assert suggest(Volume(array, "YX")).model == "nuclei-2d"


def test_colours_decide_between_models_of_rgb() -> None:
    def of(image: np.ndarray) -> str:
        return suggest(Volume(image, "YXC")).model

    assert of(data.immunohistochemistry()) == "cells-2d"
    assert of(data.astronaut()) == "cells-2d"
    image = drawn().astype(np.float32)
    assert of(np.stack([image] * 3, -1)) == "nuclei-2d"


def test_small_mr_and_ct_get_theirs_and_other_stacks_nuclei() -> None:
    phantom = BrainPhantom()
    head, _ = phantom.draw()
    assert suggest(Volume(head, "ZYX", phantom.spacing_mm, "mm")).model == "hippocampus-mr"
    assert suggest(Volume(head, "ZYX", (4.0, 4.0, 4.0), "mm")).model == "nuclei-3d"
    assert suggest(Volume(head, "ZYX", phantom.spacing_mm, "um")).model == "nuclei-3d"
    ct = np.full((20, 90, 90), -1000, np.int16)
    ct[:, 20:70, 20:70] = 40
    ct[:, 40:50, 40:50] = 900
    for stored in (ct, ct + 1000):
        assert suggest(Volume(stored, "ZYX", (3.0, 4.0, 4.0), "mm")).model == "organs-ct-head-neck"


def test_mr_of_12_bits_is_not_taken_for_ct() -> None:
    ramp = np.linspace(0, 2_200, 90 * 90).reshape(1, 90, 90)
    image = np.repeat(ramp.astype(np.int16), 20, 0)
    image[:, :30] = 0
    assert suggest(Volume(image, "ZYX", (3.0, 4.0, 4.0), "mm")).model == "nuclei-3d"


@pytest.mark.parametrize(
    ("folder", "model"),
    [
        ("nuclei-2d", "nuclei-2d"),
        ("nuclei-brightfield", "cells-2d"),
        ("cells-phase-neuronal", "cells-2d"),
        ("nuclei-histology", "nuclei-histology"),
        ("retina-vessels", "retina-vessels"),
        ("ct-head-neck", "organs-ct-head-neck"),
        ("hippocampus-mr", "hippocampus-mr"),
        ("lesion-mr", "nuclei-3d"),
    ],
)
def test_real_images_get_their_model(shared_data, folder, model) -> None:
    paths = sorted((shared_data / folder / "images").iterdir())[::7]
    found = [suggest(read(path)).model for path in paths]
    assert np.mean([name == model for name in found]) > 0.9


def test_a_run_with_a_default_model_says_that_another_suits_better() -> None:
    volume = Volume(255 - drawn().astype(np.float32), "YX", name="dark")
    assert "cells-2d may suit dark better" in better_model(volume, "nuclei-2d")
    assert any("cells-2d may suit" in note for note in segment(volume, "nuclei-2d").notes)
    assert better_model(volume, "cells-2d") == ""


def test_what_is_not_shipped_is_never_suggested(monkeypatch) -> None:
    monkeypatch.setattr(module, "shipped_models", lambda: ("nuclei-2d", "nuclei-3d"))
    assert suggest(Volume(255 - drawn().astype(np.float32), "YX")).model == "nuclei-2d"
    assert suggest(Volume(data.immunohistochemistry(), "YXC")).model == "nuclei-2d"
    ct = np.linspace(-1000, 2000, 20 * 90 * 90).reshape(20, 90, 90)
    assert suggest(Volume(ct, "ZYX", (3.0, 4.0, 4.0), "mm")).model == "nuclei-3d"
