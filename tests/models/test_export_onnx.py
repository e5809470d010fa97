"""Export to ONNX: the file holds the network, its description and test tensors."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tiny_onnx
import torch

from napari_tally import segment
from napari_tally.core.errors import InputError, ModelError
from napari_tally.heads import Center, Semantic
from napari_tally.mask_sets.readings import ClassMaps
from napari_tally.models.bundle import Model, load_model, save_model
from napari_tally.models.exporting.onnx import export_onnx
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.models.runtime_network import ReadMaps
from napari_tally.network.architectures import UNet
from napari_tally.network.ensemble import activated
from napari_tally.network.tile_layout import Tiling


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))


def saved(folder, head, ndim: int = 2, further: int = 0, **fields) -> Model:
    """Save and load a small network of random weights, or an ensemble."""
    networks = []
    for seed in range(further + 1):
        torch.manual_seed(seed)
        made = UNet(
            spatial_dims=ndim,
            channels=(4, 8),
            strides=(2,),
            in_channels=2,
            out_channels=head.channels(ndim),
        )
        networks.append((made, made.build().state_dict()))
    info = ModelInfo(
        name="small",
        version="3",
        description="A small one",
        licence="MIT",
        head=head,
        preprocessing=Preprocessing(channels=("a", "b"), tiling=Tiling(tile=64, halo=8)),
        **fields,
    )
    save_model(folder, info, *networks[0], networks[1:])
    return load_model(folder)


@pytest.mark.parametrize(
    ("head", "ndim", "further", "mirrored"),
    [(Center(), 2, 0, ()), (Semantic(classes=("x", "y")), 3, 0, ()),
     (Semantic(), 2, 2, ("Y", "X"))],
)  # fmt: skip
def test_a_model_that_is_exported_and_imported_gives_the_same_maps(
    tmp_path, head, ndim, further, mirrored
) -> None:
    model = saved(tmp_path / "own", head, ndim, further, mirrored=mirrored)
    path = export_onnx(model, tmp_path / "small.onnx")
    back = load_model(save_proposal(propose(path, ImportSettings())).name)
    assert back.info.head == head and back.info.licence == "MIT" and back.info.version == "3"
    assert back.info.preprocessing == model.info.preprocessing
    for cells in ((8, 12, 10), (17, 9, 14)):
        image = torch.randn(1, 2, *(2 * n for n in cells[:ndim]))
        with torch.inference_mode():
            wanted = activated(model.network, image, model.activate)
            found = activated(back.network, image, back.activate)
        assert (wanted - found).abs().max() < 1e-4


def test_the_test_tensors_are_those_of_the_network(tmp_path) -> None:
    import onnxruntime

    path = export_onnx(saved(tmp_path / "own", Center()), tmp_path / "small.onnx")
    image, maps = (np.load(tmp_path / f"small_test_{w}.npy") for w in ("input", "output"))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": image})
    assert np.abs(found - maps).max() < 1e-4
    facts = {p.key: p.value for p in onnx.load(path).metadata_props}
    assert facts["license"] == "MIT" and facts["channels"] == '["a", "b"]'


def test_the_exported_model_finds_the_same_objects(tmp_path) -> None:
    model = load_model("nuclei-2d")
    path = export_onnx(model, tmp_path / "nuclei.onnx")
    name = save_proposal(propose(path, ImportSettings(model_name="again"))).name
    rng = np.random.default_rng(0)
    image = rng.normal(20, 3, (160, 200))
    y, x = np.indices(image.shape)
    for cy, cx in ((40, 40), (60, 120), (110, 60), (120, 150)):
        image[np.hypot(y - cy, x - cx) < 14] += 100
    image = image.astype(np.float32)
    own, other = segment(image, "nuclei-2d"), segment(image, name)
    assert own.labels.max() == other.labels.max() == 4
    assert np.mean(np.asarray(own.labels) != np.asarray(other.labels)) < 1e-3


def test_an_imported_onnx_file_is_copied(tmp_path) -> None:
    source = tiny_onnx.bright(tmp_path / "a.onnx")
    model = load_model(save_proposal(propose(source, ImportSettings())).name)
    assert export_onnx(model, tmp_path / "b.onnx").read_bytes() == source.read_bytes()


def test_another_ending_and_other_maps_are_refused(tmp_path, monkeypatch) -> None:
    model = saved(tmp_path / "own", Semantic())
    with pytest.raises(InputError, match=r"does not end in \.onnx"):
        export_onnx(model, tmp_path / "small.pt")
    monkeypatch.setattr("napari_tally.models.exporting.onnx._AGREE", -1.0)
    with pytest.raises(ModelError, match="gives other maps"):
        export_onnx(model, tmp_path / "small.onnx")
    assert not list(tmp_path.glob("small*"))


@pytest.mark.parametrize("background", ["first", "none"])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "none"])
def test_maps_of_a_reading_are_exported_and_are_those_of_numpy(
    tmp_path, activation, background
) -> None:
    reading = ClassMaps(activation=activation, background=background)
    torch.manual_seed(0)
    channels = 3 if background == "first" else 2
    made = UNet(spatial_dims=2, channels=(4, 8), strides=(2,), in_channels=1, out_channels=channels)
    network = ReadMaps(made.build().eval(), reading)
    image = torch.randn(2, 1, 12, 16)
    with torch.inference_mode():
        found = network(image)
        raw = network.network(image).numpy()
    for one, array in zip(found.numpy(), raw, strict=True):
        assert np.abs(one - reading.maps({"output": array[None]})).max() < 1e-5


def test_a_network_with_a_reading_is_exported_with_it(tmp_path) -> None:
    reading = ClassMaps(activation="sigmoid")
    model = saved(tmp_path / "own", Semantic(classes=("x", "y")), reading=reading)
    path = export_onnx(model, tmp_path / "small.onnx")
    back = load_model(save_proposal(propose(path, ImportSettings())).name)
    image = torch.randn(1, 2, 24, 16)
    with torch.inference_mode():
        wanted = activated(model.network, image, model.activate)
        found = activated(back.network, image, back.activate)
    assert (wanted - found).abs().max() < 1e-4


def test_a_network_of_which_the_tracer_made_a_part_constant_is_refused(
    tmp_path, monkeypatch
) -> None:
    model = saved(tmp_path / "own", Semantic())
    forward = type(model.network).forward
    monkeypatch.setattr(
        type(model.network),
        "forward",
        lambda self, image: forward(self, image) * float(image.std()),
    )
    with pytest.raises(ModelError, match="gives other maps"):
        export_onnx(model, tmp_path / "small.onnx")
