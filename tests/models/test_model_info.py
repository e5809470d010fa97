"""Descriptions of models."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from napari_tally.core.errors import ModelError
from napari_tally.heads import Boundary, Semantic
from napari_tally.models.bundle import (
    BLOCK,
    METADATA,
    load_model,
    model_folder,
    read_info,
    save_model,
    shipped_models,
)
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.network.architectures import UNet

BASE = {"name": "a", "version": "1", "description": "", "licence": "CC0-1.0"}


def _info(**changes) -> ModelInfo:
    return ModelInfo(**(BASE | {"head": Semantic(classes=("left", "right"))} | changes))


def test_geometry_and_colours_go_to_json_and_back() -> None:
    inputs = Preprocessing(spacing=(1, 1, 1), spacing_unit="mm", orientation="lps")
    info = _info(preprocessing=inputs, colors=("#ff0000", "#00ff00"))
    assert info.preprocessing.orientation == "LPS"
    assert ModelInfo.model_validate_json(info.model_dump_json()) == info


@pytest.mark.parametrize(
    "wrong",
    [
        {"spacing": (1, 0, 1)},
        {"spacing": (1,)},
        {"spacing": (1, 1, 1), "spacing_unit": "parsec"},
        {"spacing": (1, 1), "diameter": DiameterRange(low=1, typical=2, high=3)},
        {"extent": (1, 1, 1)},
        {"extent": (1, 1), "spacing": (1, 1, 1)},
        {"orientation": "RRS"},
    ],
)
def test_invalid_geometry_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        Preprocessing(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"colors": ("#ff0000",)},
        {"colors": ("red", "green")},
        {"head": Boundary(), "colors": ("#ff0000",)},
    ],
)
def test_colours_that_do_not_fit_the_classes_are_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        _info(**wrong)


FLAT = {
    "normalizer": {"name": "percentile", "low": 2.0, "high": 98.0},
    "diameter": {"low": 6.0, "typical": 24.0, "high": 50.0},
    "channels": ["nuclei"],
    "spacing": None,
    "spacing_unit": "um",
    "tiling": {"tile": 320, "halo": 32, "mirror": 16},
}


def _written(folder, block) -> None:
    (folder / METADATA).parent.mkdir()
    (folder / METADATA).write_text(json.dumps({BLOCK: block}))


def test_folders_of_the_first_format_are_read(tmp_path) -> None:
    _written(tmp_path, BASE | FLAT | {"head": {"name": "boundary"}, "min_size": 7})
    info = read_info(tmp_path)
    assert info.preprocessing == Preprocessing.model_validate(FLAT)
    assert (info.format, info.min_size, info.head) == (2, 7, Boundary())


def test_folders_of_a_later_format_are_refused_with_what_to_do(tmp_path) -> None:
    _written(tmp_path, BASE | {"format": 3, "head": {"name": "boundary"}})
    with pytest.raises(ModelError, match=r"format 3.*Update napari-tally"):
        read_info(tmp_path)


@pytest.mark.parametrize("name", shipped_models())
def test_built_in_models_are_in_the_current_format(name) -> None:
    block = json.loads((model_folder(name) / METADATA).read_text())[BLOCK]
    assert ModelInfo.model_validate(block).model_dump(mode="json", exclude_unset=True) == block


@pytest.mark.parametrize("wrong", [{"spacing": (1, 1, 1)}, {"orientation": "RAS"}])
def test_a_flat_network_has_no_geometry_of_a_volume(wrong, tmp_path) -> None:
    flat = UNet(channels=(4, 8), strides=(2,), out_channels=3)
    info = _info(preprocessing=Preprocessing(**wrong))
    save_model(tmp_path, info, flat, flat.build().state_dict())
    with pytest.raises(ModelError, match="2D network"):
        load_model(tmp_path)
