"""An architecture is one class: once registered it is planned, trained, saved and loaded."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
import pytest
import torch

import napari_tally
from napari_tally.core.errors import InputError, ModelError
from napari_tally.core.options import option_fields
from napari_tally.network.architectures import ARCHITECTURES, Architecture, Demand, from_definition
from napari_tally.training.plan.options import TrainingOptions


class Toy(Architecture):
    """One convolution."""

    package: ClassVar[str] = __name__
    name: Literal["Toy"] = "Toy"
    kernel: int = 3

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        return cls(kernel=5, **demand.fields())

    @property
    def stride(self) -> int:
        return 4

    @property
    def level_widths(self) -> tuple[int, ...]:
        return (self.out_channels,)

    def build(self) -> torch.nn.Module:
        conv = torch.nn.Conv2d if self.spatial_dims == 2 else torch.nn.Conv3d
        return conv(self.in_channels, self.out_channels, self.kernel, padding="same")


@pytest.fixture
def toy():
    ARCHITECTURES.register(Toy)
    yield
    ARCHITECTURES.remove("Toy")


def blobs(ndim: int = 2, size: int = 32) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return two images with their labels: two boxes each."""
    pairs = []
    for shift in (0, 3):
        labels = np.zeros((size,) * ndim, np.uint8)
        labels[(slice(2 + shift, 11 + shift),) * ndim] = 1
        labels[(slice(16 + shift, 26 + shift),) * ndim] = 2
        pairs.append(((labels > 0) * np.uint8(100), labels))
    return pairs


def test_it_is_offered_by_the_options_of_a_training_while_it_is_registered(toy) -> None:
    def choices():
        return next(f for f in option_fields(TrainingOptions) if f.name == "architecture").choices

    assert choices() == tuple(ARCHITECTURES) and "Toy" in choices()
    ARCHITECTURES.remove("Toy")
    assert "Toy" not in choices()
    ARCHITECTURES.register(Toy)


@pytest.mark.parametrize("ndim", [2, 3])
def test_it_is_planned_trained_saved_loaded_and_segments(toy, tmp_path, ndim) -> None:
    trained = napari_tally.train(
        blobs(ndim), tmp_path / "toy", architecture="Toy", steps=2, batch=1, patch=(16,) * ndim,
        ndim=ndim, kind="instances", device="cpu",
    )  # fmt: skip
    assert trained.plan.architecture == Toy(
        kernel=5, spatial_dims=ndim, out_channels=trained.plan.head.channels(ndim)
    )
    assert any("Network: Toy" in line for line in trained.plan.lines())
    model = napari_tally.load_model(trained.folder)
    assert model.architecture == trained.plan.architecture
    image = blobs(ndim)[0][0]
    assert napari_tally.segment(image, model, device="cpu").labels.shape == image.shape


def test_without_its_class_a_saved_model_is_refused(toy) -> None:
    definition = Toy().definition()
    assert from_definition(definition) == Toy()
    ARCHITECTURES.remove("Toy")
    with pytest.raises(ModelError, match="Models cannot use the network"):
        from_definition(definition)
    ARCHITECTURES.register(Toy)


def test_a_misspelt_name_gets_the_nearest_one(tmp_path) -> None:
    with pytest.raises(InputError, match="Did you mean 'SegResNet'"):
        napari_tally.train(blobs(), tmp_path / "m", architecture="SegResNat", device="cpu")


def test_fine_tuning_keeps_the_architecture_of_its_model(tmp_path) -> None:
    own = napari_tally.load_model("nuclei-2d").architecture.name
    other = next(name for name in ARCHITECTURES if name != own)
    with pytest.raises(InputError, match=f"nuclei-2d is a {own} and cannot be fine-tuned"):
        napari_tally.train(
            blobs(), tmp_path / "m", start="nuclei-2d", architecture=other, device="cpu"
        )
