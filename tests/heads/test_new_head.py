"""A head that is registered once reaches training, models, both front ends, tuning and the plan."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pytest
import tifffile
from pydantic import Field
from typer.testing import CliRunner

import napari_tally
from napari_tally.cli.app import app
from napari_tally.core.connected_components import components
from napari_tally.core.errors import InputError
from napari_tally.core.options import option_fields
from napari_tally.core.progress import drain
from napari_tally.core.volume import Volume
from napari_tally.heads import HEADS
from napari_tally.heads.base import Head, Labels, Maps
from napari_tally.heads.masked_losses import dice_ce_loss, known_part
from napari_tally.heads.panoptic import Panoptic
from napari_tally.models.bundle import load_model
from napari_tally.training.data.labelled_image import Labelled
from napari_tally.training.plan.options import TrainingOptions
from napari_tally.training.train import training_steps

if TYPE_CHECKING:
    from torch import Tensor


class Mask(Head):
    """Foreground; its connected components are the objects."""

    domain: ClassVar[str] = "Objects that do not touch."
    tunable: ClassVar[tuple[str, ...]] = ("least",)

    name: Literal["mask"] = "mask"
    threshold: float = Field(0.5, gt=0, lt=1, description="Minimum probability of a voxel")
    least: float = Field(0.2, ge=0, lt=1, description="Minimum of the highest probability")

    def channels(self, ndim: int) -> int:
        return 2

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return ("background", "foreground")

    def in_domain(self, labels: Labels) -> bool:
        return int(components(labels > 0).max()) == len(np.unique(labels[labels > 0]))

    def encode(self, labels: Labels) -> np.ndarray:
        return np.stack([labels <= 0, labels > 0]).astype(np.float32)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        target, known = known_part(target)
        return dice_ce_loss(output, target, known)

    def activate(self, output: Tensor) -> Tensor:
        return output.softmax(1)

    def decode(self, maps: Maps) -> Labels:
        maps = self.checked(maps)
        labels = components(maps[1] > self.threshold)
        top = np.zeros(labels.max(initial=0) + 1)
        np.maximum.at(top, labels.ravel(), maps[1].ravel())
        return np.where(top[labels] > self.least, labels, 0)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    HEADS.register(Mask)
    yield
    HEADS.remove("mask")


def squares(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of bright squares, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((64, 64), np.uint16)
    for i, (y, x) in enumerate(rng.permutation([(y, x) for y in (4, 26, 48) for x in (4, 26, 48)])):
        labels[y : y + 9, x : x + 9] = i + 1
    return np.where(labels > 0, 200.0, 10.0).astype(np.float32) + rng.normal(0, 3, (64, 64)), labels


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A model with the head, trained for some steps."""
    HEADS.register(Mask)
    pairs = [
        Labelled(f"s{i}", Volume(image, "YX", name=f"s{i}"), Volume(labels, "YX"))
        for i, (image, labels) in enumerate(map(squares, range(3)))
    ]
    options = TrainingOptions(
        head="mask", steps=60, batch=4, patch=(32, 32), workers=0, device="cpu", kind="instances",
        learning_rate=5e-3, augmentation="none",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        yield drain(training_steps(pairs, Path(place) / "squares", options)).folder


def test_it_is_a_choice_of_training_and_others_are_not() -> None:
    head = next(f for f in option_fields(TrainingOptions) if f.name == "head")
    assert {"flow", "mask"} <= set(head.choices)
    assert not {"semantic", "panoptic"} & set(head.choices)
    with pytest.raises(InputError, match="Did you mean 'mask'"):
        HEADS["maks"]
    with pytest.raises(ValueError, match="no head that separates objects 'semantic'"):
        TrainingOptions(head="semantic")


def test_it_is_trained_saved_and_read_with_its_parameters(folder) -> None:
    assert load_model(folder).info.head == Mask()


def test_it_segments_from_python_and_from_the_command_line(folder, tmp_path) -> None:
    image, ground_truth = squares(9)
    result = napari_tally.segment(image, folder)
    assert result.count == ground_truth.max() == 9
    assert np.mean((result.labels > 0) == (ground_truth > 0)) > 0.97
    tifffile.imwrite(tmp_path / "a.tif", image.astype(np.float32))
    words = ["segment", str(tmp_path / "a.tif"), "--model", str(folder), "-o", str(tmp_path / "o")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert tifffile.imread(tmp_path / "o" / "a_labels.tif").max() == 9


def test_its_parameter_is_tuned(folder) -> None:
    image, ground_truth = squares(9)
    blind = load_model(folder).info.head.tuned(least=0.9)
    assert blind.parameters == {"threshold": 0.5, "least": 0.9}
    found = napari_tally.segment(image, folder, tune={"least": 0.9999})
    assert found.count < 9
    tuning = napari_tally.tune([(image, ground_truth)], folder, sweeps=1)
    assert tuning.after >= tuning.before
    assert set(tuning.changed) <= {"threshold", "least", "min_size"}


def test_a_panoptic_head_accepts_it_for_its_objects() -> None:
    classes = [{"name": "cell", "kind": "thing"}]
    head = Panoptic.model_validate({"classes": classes, "objects": {"name": "mask", "least": 0.3}})
    assert head.objects == Mask(least=0.3)
    assert Panoptic.model_validate_json(head.model_dump_json()) == head
    with pytest.raises(ValueError, match="does not separate objects"):
        Panoptic.model_validate({"classes": classes, "objects": {"name": "semantic"}})
