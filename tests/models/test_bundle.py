"""Model folders: MONAI bundles that load strictly and run no code."""

from __future__ import annotations

import json

import monai.bundle
import pytest
import torch

from napari_tally.core.errors import ModelError
from napari_tally.heads import Boundary
from napari_tally.models.bundle import INFERENCE, METADATA, load_model, save_model, shipped_models
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.models.weights import CHECKPOINT, WEIGHTS
from napari_tally.network.architectures import DynUNet, UNet

SMALL = UNet(channels=(4, 8), strides=(2,), out_channels=3)


@pytest.fixture
def folder(tmp_path):
    """A model of random weights."""
    info = ModelInfo(
        name="small",
        version="1.0",
        description="a test",
        licence="CC0-1.0",
        head=Boundary(),
        preprocessing=Preprocessing(diameter=DiameterRange(low=5, typical=10, high=20)),
    )
    torch.manual_seed(0)
    save_model(tmp_path / "small", info, SMALL, SMALL.build().state_dict())
    return tmp_path / "small"


def _edit(path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_model_comes_back_as_it_was_saved(folder) -> None:
    model = load_model(folder)
    assert (model.info.name, model.architecture) == ("small", SMALL)
    assert model.info.head == Boundary()
    assert len(model.sha256) == 64
    torch.manual_seed(0)
    fresh = SMALL.build().state_dict()
    for name, tensor in model.network.state_dict().items():
        assert torch.allclose(tensor, fresh[name], atol=1e-3)


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_load_as_monai_bundles(name) -> None:
    model = load_model(name)
    network = monai.bundle.load(
        name,
        bundle_dir=str(model.folder.parent),
        model_file="models/model.safetensors",
        workflow_type="inference",
        device="cpu",
    )
    image = torch.rand(1, 1, *(32,) * model.architecture.spatial_dims)
    with torch.inference_mode():
        assert torch.allclose(network.eval()(image), model.networks[0](image), atol=1e-5)
    size = sum(p.stat().st_size for p in model.folder.rglob("*") if p.is_file())
    assert size < (10e6 if len(model.networks) == 1 else 25e6)
    assert (model.folder / "docs" / "README.md").is_file()


def test_networks_that_name_a_layer_twice_are_saved_completely(tmp_path) -> None:
    options = DynUNet(kernel_size=(3,) * 3, strides=(1, 2, 2), filters=(4, 8, 8), out_channels=3)
    info = ModelInfo(name="d", version="1", description="", licence="CC0-1.0", head=Boundary())
    save_model(tmp_path / "d", info, options, options.build().state_dict())
    assert load_model(tmp_path / "d").architecture == options


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="nuclei-2d"):
        load_model("nuclei-7d")


def test_missing_weights_are_refused(folder) -> None:
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelError, match="There are no weights"):
        load_model(folder)


def test_weights_of_another_network_are_refused(folder) -> None:
    other = SMALL.model_copy(update={"channels": (4, 9)})
    _edit(folder / INFERENCE, network_def=other.definition())
    with pytest.raises(ModelError, match="do not fit the network"):
        load_model(folder)


def test_a_missing_layer_is_refused(folder) -> None:
    deeper = SMALL.model_copy(update={"channels": (4, 8, 8), "strides": (2, 2)})
    _edit(folder / INFERENCE, network_def=deeper.definition())
    with pytest.raises(ModelError, match="do not fit the network"):
        load_model(folder)


def test_truncated_weights_are_refused(folder) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(folder)


def test_a_checkpoint_that_runs_code_is_refused(folder, tmp_path) -> None:
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (folder / WEIGHTS).unlink()
    torch.save({"w": Trap()}, folder / CHECKPOINT)
    with pytest.raises(ModelError, match="would run code"):
        load_model(folder)
    assert not (tmp_path / "sprung").exists()


def test_a_plain_checkpoint_is_read(folder) -> None:
    (folder / WEIGHTS).unlink()
    torch.save(SMALL.build().state_dict(), folder / CHECKPOINT)
    assert load_model(folder).info.name == "small"


def test_code_in_the_configuration_is_not_run(folder) -> None:
    network_def = SMALL.definition() | {"channels": "$__import__('pathlib').Path('x').touch()"}
    _edit(folder / INFERENCE, network_def=network_def)
    with pytest.raises(ModelError, match="network_def of"):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"napari_tally": {"name": "x"}}', "{}"])
def test_damaged_metadata_is_refused_in_a_sentence(folder, text) -> None:
    (folder / METADATA).write_text(text)
    with pytest.raises(ModelError, match=r"not valid|must hold a JSON object|has no block"):
        load_model(folder)


def test_a_network_with_other_channels_than_the_head_is_refused(folder) -> None:
    wider = SMALL.model_copy(update={"out_channels": 5})
    _edit(folder / INFERENCE, network_def=wider.definition())
    with pytest.raises(ModelError, match="3 output channels"):
        load_model(folder)


def test_images_are_scaled_to_the_object_sizes_of_the_training() -> None:
    sizes = DiameterRange(low=5, typical=10, high=20)
    assert [sizes.scale_for(d) for d in (2, 5, 13, 20, 40)] == [5, 1, 1, 1, 0.25]
