"""TorchScript runs after it is trusted; pickles are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import napari_tally
from napari_tally.core.errors import ModelError
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.models.trust import UntrustedError, is_trusted, trust, trusted_list
from napari_tally.models.user_models import VARIABLE


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    monkeypatch.setenv("TALLY_CONFIG", str(tmp_path / "config"))


class Halves(nn.Module):
    """A network that needs lengths of multiples of 4, with a sigmoid of one channel."""

    def __init__(self, ndim: int = 2, channels: int = 1) -> None:
        super().__init__()
        conv = nn.Conv2d if ndim == 2 else nn.Conv3d
        self.first = conv(channels, 1, 1, bias=True)
        nn.init.constant_(self.first.weight, 20.0 / channels)
        nn.init.constant_(self.first.bias, -10.0)
        self.pool = nn.MaxPool2d(4) if ndim == 2 else nn.MaxPool3d(4)
        self.up = nn.Upsample(scale_factor=4.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return torch.sigmoid(x + 0 * self.up(self.pool(x)))


def saved(path: Path, network: nn.Module) -> Path:
    torch.jit.script(network.eval()).save(str(path))
    return path


def test_a_file_runs_only_after_it_is_trusted(tmp_path: Path) -> None:
    path = saved(tmp_path / "halves.pt", Halves())
    with pytest.raises(UntrustedError, match="read, change and delete your files"):
        propose(path, ImportSettings())
    assert not is_trusted(napari_tally.models.trust.sha256_file(path))
    proposal = propose(path, ImportSettings(trust=True))
    assert proposal.info.runtime.multiple == 4
    assert proposal.info.reading.activation == "none"
    model = napari_tally.load_model(save_proposal(proposal))
    assert "trusted by the user" in model.identity["trusted"]


def test_trust_is_for_the_content_not_for_the_name(tmp_path: Path) -> None:
    path = saved(tmp_path / "halves.pt", Halves())
    model = napari_tally.import_model(path, "halves", trust=True)
    file = model.folder / model.info.runtime.file
    saved(file, Halves(channels=1).double().float().train())
    file.write_bytes(file.read_bytes() + b"0")
    with pytest.raises(UntrustedError):
        napari_tally.load_model("halves")
    with pytest.raises(UntrustedError):
        model.session  # noqa: B018 - the file was replaced after the model was loaded


def test_another_user_must_trust_a_model_folder_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    napari_tally.import_model(saved(tmp_path / "a.pt", Halves()), "halves", trust=True)
    monkeypatch.setenv("TALLY_CONFIG", str(tmp_path / "another"))
    with pytest.raises(UntrustedError):
        napari_tally.load_model("halves")
    assert napari_tally.load_model("halves", trust=True).info.name == "halves"
    assert napari_tally.load_model("halves").info.name == "halves"


@pytest.mark.parametrize(("ndim", "channels"), [(2, 1), (2, 3), (3, 1)])
def test_channels_and_axes_are_those_of_the_first_convolution(
    tmp_path: Path, ndim: int, channels: int
) -> None:
    path = saved(tmp_path / "a.pt", Halves(ndim, channels))
    runtime = propose(path, ImportSettings(trust=True)).info.runtime
    assert (runtime.spatial_dims, runtime.in_channels) == (ndim, channels)


def test_a_traced_network_of_one_size_gives_tiles_of_that_size(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.all = nn.Linear(128, 128)
            nn.init.eye_(self.all.weight)
            nn.init.zeros_(self.all.bias)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(20 * self.all(x) - 10)

    traced = torch.jit.trace(Fixed().eval(), torch.zeros(1, 1, 128, 128))
    traced.save(str(tmp_path / "fixed.pt"))
    info = propose(tmp_path / "fixed.pt", ImportSettings(trust=True)).info
    assert info.runtime.size == (128, 128)
    assert info.preprocessing.tiling.exact


def test_objects_are_found_with_it(tmp_path: Path) -> None:
    model = napari_tally.import_model(
        saved(tmp_path / "a.pt", Halves()), trust=True, normalizer={"name": "identity"}
    )
    image = np.zeros((60, 90), np.float32)
    image[10:20, 10:30] = image[30:50, 50:80] = 1
    result = napari_tally.segment(image, "a")
    assert (result.count, int((result.labels > 0).sum())) == (2, 800)
    assert result.model["sha256"] == model.sha256


def test_networks_with_several_outputs_are_read(tmp_path: Path) -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.sigmoid(x), x.mean((1, 2, 3))

    saved(tmp_path / "two.pt", Two())
    reading = {"name": "class-maps", "outputs": ["output0"], "activation": "none",
               "background": "none"}  # fmt: skip
    proposal = propose(tmp_path / "two.pt", ImportSettings(trust=True, reading=reading))
    assert proposal.info.reading.outputs == ("output0",)


def test_pickles_and_damaged_files_are_refused_even_if_trusted(tmp_path: Path) -> None:
    torch.save(Halves().state_dict(), tmp_path / "weights.pt")
    with pytest.raises(ModelError, match="pickled checkpoint, which would run code"):
        propose(tmp_path / "weights.pt", ImportSettings(trust=True))
    (tmp_path / "no.pt").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="no TorchScript"):
        propose(tmp_path / "no.pt", ImportSettings(trust=True))
    whole = saved(tmp_path / "a.pt", Halves()).read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError):
        propose(tmp_path / "cut.pt", ImportSettings(trust=True))


def test_real_checkpoints_are_refused(shared_data: Path) -> None:
    folder = shared_data / "third-party-models"
    with pytest.raises(ModelError, match="pickled checkpoint"):
        propose(folder / "pickled_checkpoint" / "patches_epoch_5.pth", ImportSettings(trust=True))
    with pytest.raises(ModelError, match="no TorchScript"):
        propose(folder / "meshnet_gw" / "model.pth", ImportSettings(trust=True))


def test_a_real_network_in_3d_is_read(shared_data: Path) -> None:
    path = shared_data / "third-party-models" / "meshnet_gw" / "torchscript.pt"
    info = propose(path, ImportSettings(trust=True)).info
    assert info.runtime.spatial_dims == 3
    assert len(info.head.class_names) == 2


def test_a_damaged_list_of_trusted_files_is_not_overwritten(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", Halves())
    trust(path)
    assert json.loads(trusted_list().read_text()).popitem()[1] == "a.pt"
    trusted_list().write_text("{")
    with pytest.raises(OSError, match="is damaged"):
        trust(path)
    assert trusted_list().read_text() == "{"
