"""Networks as stored graphs: the same output as MONAI's, without importing it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from napari_tally.models.bundle import load_model, shipped_models
from napari_tally.network.architectures import BasicUNet, DynUNet, SegResNet, UNet
from napari_tally.network.graphs import store
from napari_tally.network.graphs.fold import folded
from napari_tally.network.graphs.graph import Graph, GraphNetwork
from napari_tally.network.graphs.store import store_graph, stored_graph
from napari_tally.network.graphs.trace import NoGraphError, traced

if TYPE_CHECKING:
    from napari_tally.network.architectures.architecture import Architecture

TRACED: list[Architecture] = [
    DynUNet(norm_name="batch"),
    DynUNet(spatial_dims=3, norm_name="instance"),
    UNet(spatial_dims=3),
    SegResNet(),
]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "graphs")
    return tmp_path / "graphs"


@pytest.fixture(params=TRACED, ids=lambda a: f"{a.name}{a.spatial_dims}d")
def architecture(request) -> Architecture:
    return request.param


def example(architecture: Architecture) -> torch.Tensor:
    size = (3 * architecture.stride,) * architecture.spatial_dims
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, architecture.in_channels, *size, generator=generator)


def with_statistics(network: nn.Module) -> nn.Module:
    """Give batch norm statistics that are not 0 and 1."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.normal_(layer.running_mean, std=0.3)
            nn.init.uniform_(layer.running_var, 0.5, 2)
    return network.eval()


def test_a_graph_gives_the_output_of_the_network_and_has_its_weights(architecture, cache) -> None:
    network = with_statistics(architecture.build())
    graph = store_graph(architecture, network)
    again = stored_graph(architecture)
    assert graph == again
    assert again.parameter_count == sum(p.numel() for p in network.parameters())
    copy = again.build().eval()
    assert copy.state_dict().keys() == network.state_dict().keys()
    copy.load_state_dict(network.state_dict())
    with torch.inference_mode():
        assert torch.equal(copy(example(architecture)), network(example(architecture)))


def test_the_output_is_the_same_without_batch_norm(architecture) -> None:
    network = with_statistics(architecture.build())
    image = example(architecture)
    copy = traced(network, image).build().eval()
    copy.load_state_dict(network.state_dict())
    without = folded(copy)
    norms = [m for m in without.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d)]
    with torch.inference_mode():
        assert torch.allclose(without(image), network(image), atol=1e-4)
        assert torch.equal(copy(image), network(image)), "the original must not change"
    if isinstance(architecture, DynUNet | UNet):  # SegResNet has norms before convolutions
        assert not norms


def test_the_first_load_of_an_unknown_network_stores_its_graph(cache, tmp_path) -> None:
    architecture = UNet(channels=(4, 8), strides=(2,))
    assert stored_graph(architecture) is None
    store_graph(architecture, architecture.build())
    assert isinstance(stored_graph(architecture).build(), GraphNetwork)
    assert stored_graph(UNet(channels=(4, 9), strides=(2,))) is None


def test_a_network_that_decides_by_shapes_has_no_graph(cache) -> None:
    # Traced, MONAI's BasicUNet leaves out its skip connections.
    architecture = BasicUNet()
    assert store_graph(architecture, architecture.build()) is None
    assert not cache.exists()


def test_layers_that_are_not_in_the_table_are_refused() -> None:
    with pytest.raises(NoGraphError, match="Sequential"):
        traced(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Softplus()), torch.rand(1, 1, 8, 8))
    with pytest.raises(ValidationError, match="unknown layer Bilinear"):
        Graph.model_validate({"layers": {"a": {"kind": "Bilinear"}}, "nodes": []})


def test_a_damaged_file_in_the_cache_is_replaced(cache) -> None:
    architecture = UNet(channels=(4, 8), strides=(2,))
    store_graph(architecture, architecture.build())
    (file,) = cache.iterdir()
    file.write_text(file.read_text()[:100])
    assert stored_graph(architecture) is None
    store_graph(architecture, architecture.build())
    assert stored_graph(architecture) is not None


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path / "file" / "graphs")
    architecture = UNet(channels=(4, 8), strides=(2,))
    assert store_graph(architecture, architecture.build()) is not None


@pytest.mark.parametrize("name", shipped_models())
def test_built_in_models_load_without_monai(name) -> None:
    code = (
        "import sys; from napari_tally import load_model; "
        f"load_model({name!r}).network; sys.exit('monai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", shipped_models())
def test_built_in_models_give_the_output_of_the_networks_of_monai(name) -> None:
    model = load_model(name)
    network = model.networks[0]
    original = model.architecture.build().eval()
    original.load_state_dict(network.state_dict())
    image = example(model.architecture)
    with torch.inference_mode():
        assert torch.equal(network(image), original(image))
        assert torch.allclose(
            folded(network)(image).sigmoid(), original(image).sigmoid(), atol=1e-3
        )
