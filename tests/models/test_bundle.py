"""Model folders: MONAI bundles that load strictly and run no code."""

from __future__ import annotations

import json
from zipfile import ZipFile

import monai.bundle
import pytest
import torch

from napari_tally.core.errors import ModelError, OutputExistsError
from napari_tally.heads import Boundary
from napari_tally.models.bundle import INFERENCE, METADATA, load_model, save_model, shipped_models
from napari_tally.models.copy_bundle import copy_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import DiameterRange, Preprocessing
from napari_tally.models.weights import CHECKPOINT, WEIGHTS, parameters
from napari_tally.network.architectures import ARCHITECTURES, Demand, DynUNet, UNet

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
    channels = len(model.info.preprocessing.channels)
    image = torch.rand(1, channels, *(32,) * model.architecture.spatial_dims)
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


@pytest.mark.parametrize(
    "network",
    [
        {"channels": [10**6] * 2},
        {"channels": [-4, 8]},
        {"channels": [], "strides": []},
        {"channels": [1] * 2000, "strides": [1] * 1999},
        {"num_res_units": 10**9},
        {"strides": [0]},
        {"channels": [16384, 16384]},
    ],
    ids=lambda network: str(network)[:40],
)
def test_an_absurd_network_is_refused_before_it_is_built(folder, network) -> None:
    _edit(folder / INFERENCE, network_def=SMALL.definition() | network)
    with pytest.raises(ModelError, match=r"network"):
        load_model(folder)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_parameters_are_counted_without_memory_for_them(name) -> None:
    architecture = ARCHITECTURES[name].planned(Demand(2, 1, 3, (64, 64), 2))
    assert parameters(architecture) == sum(p.numel() for p in architecture.build().parameters())


@pytest.mark.parametrize("content", [{1: torch.zeros(1)}, {"a": 3}, [1], "text"])
def test_a_checkpoint_of_something_else_is_refused(folder, content) -> None:
    (folder / WEIGHTS).unlink()
    torch.save(content, folder / CHECKPOINT)
    with pytest.raises(ModelError, match="holds"):
        load_model(folder)


@pytest.mark.parametrize("pickled", [b"\x80\x02R.", b"\x80\x02h\x05.", b"", b"\x80\x02Q."])
def test_a_damaged_pickle_is_refused(folder, pickled) -> None:
    (folder / WEIGHTS).unlink()
    with ZipFile(folder / CHECKPOINT, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3")
    with pytest.raises(ModelError):
        load_model(folder)


@pytest.mark.parametrize("content", [b'{"a":' + b"[" * 200_000, b"\xff\xfe", b"[1]", b""])
def test_a_damaged_description_is_refused(folder, content) -> None:
    (folder / METADATA).write_bytes(content)
    with pytest.raises(ModelError):
        load_model(folder)


@pytest.mark.parametrize("part", [WEIGHTS, METADATA, INFERENCE])
def test_links_out_of_a_model_are_not_followed(folder, tmp_path, part) -> None:
    (folder / part).rename(tmp_path / "elsewhere")
    (folder / part).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="link out of the folder"):
        load_model(folder)


def test_a_model_in_a_linked_folder_is_read(folder, tmp_path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert load_model(tmp_path / "link").info.name == "small"


def test_a_card_is_shown_whatever_it_holds_but_no_other_file(folder, tmp_path, run) -> None:
    card = folder / "docs" / "README.md"
    card.parent.mkdir()
    card.write_bytes(b"# caf\xe9 \x1b[2J")
    code, out, _ = run("models", "show", str(folder))
    assert (code, r"# caf\xe9 \x1b[2J" in out) == (0, True)
    card.unlink()
    (tmp_path / "secret").write_text("secret")
    card.symlink_to(tmp_path / "secret")
    code, out, err = run("models", "show", str(folder))
    assert (code, "secret" in out, "link out of" in err) == (1, False, True)


def test_links_of_a_model_are_not_copied(folder, tmp_path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "docs").mkdir()
    (folder / "docs" / "extra").symlink_to(tmp_path / "secret")
    (folder / "more").symlink_to(tmp_path)
    model = load_model(folder)
    copy_model(model, model.info, tmp_path / "copy")
    assert load_model(tmp_path / "copy").info == model.info
    assert not [p.name for p in (tmp_path / "copy").rglob("*") if p.name in ("extra", "more")]


def test_a_folder_with_more_than_a_model_is_not_replaced(folder, tmp_path) -> None:
    model = load_model(folder)
    copy_model(model, model.info, tmp_path / "copy")
    copy_model(model, model.info, tmp_path / "copy", overwrite=True)
    (tmp_path / "copy" / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match=r"such as notes\.txt"):
        copy_model(model, model.info, tmp_path / "copy", overwrite=True)
    assert (tmp_path / "copy" / "notes.txt").exists()
