"""What a model may say of itself."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_tally.core.errors import ModelError
from napari_tally.heads import Boundary, Semantic
from napari_tally.models.bundle import load_model, model_folder, read_info, save_model
from napari_tally.models.model_info import DiameterRange, ModelInfo
from napari_tally.network.architectures import UNet

BASE = {"name": "a", "version": "1", "description": "", "licence": "CC0-1.0"}


def _info(**changes) -> ModelInfo:
    return ModelInfo(**(BASE | {"head": Semantic(classes=("left", "right"))} | changes))


def test_geometry_and_colours_go_to_json_and_back() -> None:
    info = _info(
        spacing=(1, 1, 1), spacing_unit="mm", orientation="lps", colors=("#ff0000", "#00ff00")
    )
    assert info.orientation == "LPS"
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
        {"colors": ("#ff0000",)},
        {"colors": ("red", "green")},
        {"head": Boundary(), "colors": ("#ff0000",)},
    ],
)
def test_what_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        _info(**wrong)


def test_folders_from_before_these_fields_are_read() -> None:
    info = read_info(model_folder("nuclei-2d"))
    assert (info.spacing, info.orientation, info.colors) == (None, None, ())


@pytest.mark.parametrize("wrong", [{"spacing": (1, 1, 1)}, {"orientation": "RAS"}])
def test_a_flat_network_has_no_geometry_of_a_volume(wrong, tmp_path) -> None:
    flat = UNet(channels=(4, 8), strides=(2,), out_channels=3)
    save_model(tmp_path, _info(**wrong), flat, flat.build().state_dict())
    with pytest.raises(ModelError, match="needed"):
        load_model(tmp_path)
