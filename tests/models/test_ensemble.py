"""Models of several networks, and of mirrored copies: their maps are a mean."""

from __future__ import annotations

import json

import monai.bundle
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

import napari_tally
from napari_tally.core.errors import ModelError
from napari_tally.heads import Boundary, Center, Semantic
from napari_tally.models.bundle import INFERENCE, load_model, save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.models.weights import WEIGHTS, weights_path
from napari_tally.network.architectures import DynUNet, UNet
from napari_tally.network.ensemble import Mean, activated
from napari_tally.network.tile_layout import Tiling

FIRST = UNet(channels=(4, 8, 8), strides=(2, 2), out_channels=3)
SECOND = DynUNet(kernel_size=(3,) * 3, strides=(1, 2, 2), filters=(4, 8, 8), out_channels=3)
INFO = ModelInfo(
    name="mean",
    version="1.0",
    description="a test",
    licence="CC0-1.0",
    head=Semantic(classes=("left", "right")),
    preprocessing=Preprocessing(tiling=Tiling(mirror=0)),
    mirrored=("X",),
)
SECOND_FILE = "models/model_2.safetensors"


@pytest.fixture
def folder(tmp_path):
    """A model of two networks of random weights."""
    torch.manual_seed(0)
    further = [(SECOND, SECOND.build().state_dict())]
    save_model(tmp_path / "mean", INFO, FIRST, FIRST.build().state_dict(), further)
    return tmp_path / "mean"


def test_maps_are_the_mean_of_the_networks_and_of_mirrored_copies(folder) -> None:
    model, image = load_model(folder), torch.rand(1, 1, 16, 24)
    with torch.inference_mode():
        single = [network(image) for network in model.networks]
        mirrored = [network(image.flip(-1)).flip(-1) for network in model.networks]
        wanted = torch.stack([*single, *mirrored]).mean(0)
        assert torch.allclose(model.network(image), wanted, atol=1e-6)
    assert not torch.allclose(single[0], single[1], atol=1e-2)
    assert not torch.allclose(single[0], mirrored[0], atol=1e-3)


def test_each_output_may_be_activated_before_the_mean(folder) -> None:
    model, image = load_model(folder), torch.rand(1, 1, 16, 24)
    with torch.inference_mode():
        wanted = [network(image).sigmoid() for network in model.networks]
        found = Mean(model.networks)(image, torch.sigmoid)
        assert torch.allclose(found, torch.stack(wanted).mean(0), atol=1e-6)
        assert torch.equal(activated(model.networks[0], image, torch.sigmoid), wanted[0])


def test_all_combinations_of_mirrored_axes_count() -> None:
    inputs = []

    class Seen(torch.nn.Module):
        def forward(self, image):
            inputs.append(image[0, 0].clone())
            return image

    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert torch.equal(Mean([Seen()], (-2, -1))(image), image)
    assert len(inputs) == 4
    assert [s[0, 0].item() for s in inputs] == [0, 3, 2, 5]


def test_a_mean_of_one_network_and_no_copy_is_the_network(tmp_path) -> None:
    plain = INFO.model_copy(update={"mirrored": ()})
    save_model(tmp_path / "one", plain, FIRST, FIRST.build().state_dict())
    model, image = load_model(tmp_path / "one"), torch.rand(1, 1, 16, 24)
    assert not isinstance(model.network, Mean)
    with torch.inference_mode():
        assert torch.allclose(model.network(image), model.networks[0](image), atol=1e-5)


def test_an_image_is_segmented_with_the_mean(folder) -> None:
    image = np.random.default_rng(0).random((40, 48), np.float32)
    model = load_model(folder)
    normalized = torch.from_numpy(np.ascontiguousarray(INFO.preprocessing.normalizer(image[None])))[
        None
    ]
    with torch.inference_mode():
        maps = [network(normalized).softmax(1)[0] for network in model.networks]
        maps += [n(normalized.flip(-1)).flip(-1).softmax(1)[0] for n in model.networks]
        wanted = torch.stack(maps).mean(0).argmax(0).numpy()
    result = napari_tally.segment(image, model, device="cpu", precision="float32")
    assert 0 < np.count_nonzero(wanted) < wanted.size
    assert np.array_equal(np.asarray(result.classes.array), wanted)


def test_monai_loads_the_first_network(folder) -> None:
    network = monai.bundle.load(
        "mean",
        bundle_dir=str(folder.parent),
        model_file="models/model.safetensors",
        workflow_type="inference",
        device="cpu",
    )
    image = torch.rand(1, 1, 16, 16)
    with torch.inference_mode():
        assert torch.equal(network.eval()(image), load_model(folder).networks[0](image))


def test_the_checksum_is_of_all_weights(folder) -> None:
    before = load_model(folder).sha256
    other = SECOND.build()
    save_model(folder, INFO, FIRST, load_model(folder).networks[0].state_dict())
    first_only = load_model(folder).sha256
    further = [(SECOND, other.state_dict())]
    save_model(folder, INFO, FIRST, load_model(folder).networks[0].state_dict(), further)
    assert len({before, first_only, load_model(folder).sha256}) == 3


def test_layers_that_are_named_twice_are_written_once(folder) -> None:
    network = SECOND.build()
    held = [*network.parameters(), *network.buffers()]
    assert len(load_file(folder / SECOND_FILE)) == len(held) < len(network.state_dict())


def test_missing_weights_of_the_second_network_are_refused(folder) -> None:
    (folder / SECOND_FILE).unlink()
    with pytest.raises(ModelError, match=r"There are no weights in .*model_2\.safetensors"):
        load_model(folder)


def test_the_weights_of_one_network_do_not_fit_another(folder) -> None:
    (folder / SECOND_FILE).write_bytes((folder / WEIGHTS).read_bytes())
    with pytest.raises(ModelError, match="do not fit the network"):
        load_model(folder)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (SECOND.model_copy(update={"out_channels": 4}).definition(), "other axes, channels"),
        (FIRST.model_copy(update={"channels": (4, 8), "strides": (2,)}).definition(), "or stride"),
        ("$__import__('os').getcwd()", "does not define network_def_2"),
        ({"_target_": "os.system"}, "os.system"),
    ],
)
def test_another_kind_of_second_network_is_refused(folder, definition, message) -> None:
    path = folder / INFERENCE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"network_def_2": definition}))
    with pytest.raises(ModelError, match=message):
        load_model(folder)


def test_vectors_are_not_mirrored() -> None:
    with pytest.raises(ValidationError, match="turn with the image"):
        ModelInfo(**INFO.model_dump() | {"head": Center()})
    assert ModelInfo(**INFO.model_dump() | {"head": Boundary()}).mirrored == ("X",)


def test_slices_are_not_mirrored_in_depth_by_a_network_for_planes(folder) -> None:
    weights = load_model(folder).networks[0].state_dict()
    save_model(folder, INFO.model_copy(update={"mirrored": ("Z",)}), FIRST, weights)
    with pytest.raises(ModelError, match="needs a 3D network"):
        load_model(folder)


def test_files_of_weights_are_numbered() -> None:
    assert weights_path(1) == WEIGHTS
    assert weights_path(3).as_posix() == "models/model_3.safetensors"
