"""The command line with a semantic model: classes, or objects with --separate."""

from __future__ import annotations

import json

import nibabel
import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import napari_tally
from napari_tally.cli.app import app
from napari_tally.heads import Semantic
from napari_tally.models.bundle import save_model
from napari_tally.models.model_info import ModelInfo
from napari_tally.models.preprocessing import Preprocessing
from napari_tally.network.architectures import UNet

AFFINE = np.array([[0, -1.5, 0, 9], [0, 0, 2, -7], [1, 0, 0, 4], [0, 0, 0, 1.0]])  # "SLA"
SMALL = UNet(spatial_dims=3, channels=(4, 8), strides=(2,), out_channels=3, norm="instance")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run `tally segment FILE --model random` in a folder with a model of random weights."""
    monkeypatch.chdir(tmp_path)
    info = ModelInfo(
        name="random",
        version="1.0",
        description="a test",
        licence="CC0-1.0",
        head=Semantic(classes=("one", "two")),
        preprocessing=Preprocessing(spacing=(1, 1, 1), spacing_unit="mm", orientation="RAS"),
    )
    torch.manual_seed(0)
    save_model(tmp_path / "random", info, SMALL, SMALL.build().state_dict())
    image = np.random.default_rng(0).gamma(2, 10, (12, 16, 14)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(image, AFFINE), tmp_path / "brain.nii.gz")
    napari_tally.write(napari_tally.read(tmp_path / "brain.nii.gz"), tmp_path / "plain.tif")

    def invoke(*args: str) -> tuple[int, str, str]:
        found = CliRunner().invoke(app, ["segment", *args, "--model", "random", "-o", "out"])
        return found.exit_code, found.stdout, found.stderr

    return invoke


def names(folder) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


def test_nifti_gives_classes_on_the_same_affine(run, tmp_path) -> None:
    code, out, _ = run("brain.nii.gz")
    assert code == 0
    assert names(tmp_path) == ["brain_classes.csv", "brain_classes.nii.gz", "brain_run.json"]
    found = nibabel.load(tmp_path / "out" / "brain_classes.nii.gz")
    assert np.allclose(found.affine, AFFINE)
    assert found.shape == (12, 16, 14)
    assert found.header.get_intent()[0] == "label"
    table = pd.read_csv(tmp_path / "out" / "brain_classes.csv")
    counts = np.bincount(np.asarray(found.dataobj).astype(int).ravel(), minlength=3)
    assert table["class_name"].tolist() == ["one", "two"]
    assert np.allclose(table["volume_mm3"], counts[1:] * 3.0)
    assert "mm³" in out
    record = json.loads((tmp_path / "out" / "brain_run.json").read_text())
    assert record["summary"].startswith("one ")


def test_objects_are_written_with_separate(run, tmp_path) -> None:
    code, _, _ = run("brain.nii.gz", "--separate", "--min-size", "6mm3")
    assert code == 0
    assert {"brain_labels.nii.gz", "brain_objects.csv"} < set(names(tmp_path))
    table = pd.read_csv(tmp_path / "out" / "brain_objects.csv")
    labels = napari_tally.read(tmp_path / "out" / "brain_labels.nii.gz")
    assert int(np.asarray(labels.array).max()) == len(table) > 0
    assert table["volume_mm3"].min() >= 6
    assert set(table["class_name"]) <= {"one", "two"}


def test_a_tiff_stays_a_tiff(run, tmp_path) -> None:
    code, _, err = run("plain.tif")
    assert code == 0
    assert names(tmp_path) == ["plain_classes.csv", "plain_classes.tif", "plain_run.json"]
    assert "plain.tif has no orientation: RAS is assumed" in err


def test_finished_images_are_skipped_with_their_summary(run) -> None:
    _, first, _ = run("brain.nii.gz")
    code, out, _ = run("brain.nii.gz")
    assert code == 0
    assert f"already done ({first.split(': ', 1)[1].strip()})" in out
    code, _, err = run("brain.nii.gz", "--separate")
    assert code == 1
    assert "--overwrite" in err


def test_json_names_what_was_written(run) -> None:
    _, out, _ = run("brain.nii.gz", "--json")
    line = json.loads(out)
    assert line["classes"].endswith("brain_classes.nii.gz")
    assert line["labels"] is None
