"""`tally models`: list, import, get, show, export, remove."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from local_server import serving
from packages import package

import napari_tally
from napari_tally.cli import list_models

SIGMOID = ({"id": "sigmoid"},)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "mine"))
    monkeypatch.setenv("TALLY_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("TALLY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    return str(package(tmp_path / "tiny-net", after=SIGMOID))


def test_an_imported_model_is_listed_shown_used_and_removed(run, tiny: str) -> None:
    code, out, _ = run("models", "import", tiny, "--name", "own")
    assert code == 0
    understood, saved = out.index("One map, of object"), out.index("Saved as own")
    assert understood < saved
    assert "Licence: CC-BY-4.0" in out
    _, out, _ = run("models")
    assert "own" in out and "CC-BY-4.0; BioImage.IO, tiny-net" in out and "nuclei-2d" in out
    _, out, _ = run("models", "show", "own")
    assert '"name": "own"' in out and "A. Person" in out
    code, _, err = run("models", "remove", "own")
    assert (code, "Confirm with --yes" in err) == (1, True)
    assert run("models", "remove", "own", "--yes")[0] == 0
    assert "own" not in run("models", "list")[1]


def test_on_a_terminal_it_asks_before_it_saves(run, tiny: str, monkeypatch) -> None:
    monkeypatch.setattr(list_models, "answering", lambda: True)
    monkeypatch.setattr(list_models.typer, "confirm", lambda question, default=False: False)
    _, out, _ = run("models", "import", tiny)
    assert "Nothing is saved" in out
    assert run("models", "import", tiny, "--yes")[0] == 0


def test_names_that_are_taken_are_refused_before_anything_is_replaced(run, tiny: str) -> None:
    run("models", "import", tiny, "--name", "own")
    code, _, err = run("models", "import", tiny, "--name", "own")
    assert code == 2
    assert "There is a model of the name own already" in err
    assert run("models", "import", tiny, "--name", "own", "--overwrite")[0] == 0
    assert "built-in" in run("models", "import", tiny, "--name", "nuclei-2d", "--overwrite")[2]
    assert "cannot have the name" in run("models", "import", tiny, "--name", "a/b")[2]


def test_a_wrong_name_of_a_model_suggests_the_imported_one(run, tiny: str) -> None:
    run("models", "import", tiny, "--name", "my-organoids")
    for command in (
        ["models", "show"],
        ["models", "remove"],
        ["segment", "x.tif", "-o", "o", "-m"],
    ):
        assert "Did you mean 'my-organoids'?" in run(*command, "my-organoid")[2]


def test_files_of_no_known_format_are_a_sentence(run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    code, _, err = run("models", "import", "a.txt")
    assert code == 2
    assert "is no model of a known format" in err and "ONNX" in err and "BioImage.IO" in err
    assert "There is no file or folder" in run("models", "import", "missing.onnx")[2]


def test_torchscript_needs_trust_also_to_segment(run, tmp_path: Path, monkeypatch) -> None:
    torch.jit.script(torch.nn.Sigmoid()).save(str(tmp_path / "net.pt"))
    code, _, err = run("models", "import", "net.pt")
    assert code == 2
    assert "can hold code, and is not trusted" in err and "--trust" in err
    assert run("models", "import", "net.pt", "--trust")[0] == 0
    monkeypatch.setenv("TALLY_CONFIG", str(tmp_path / "somebody else"))
    image = torch.zeros(64, 64).numpy()
    image[20:30, 20:30] = 9
    napari_tally.write(napari_tally.Volume(image, "YX"), tmp_path / "a.tif")
    assert "--trust" in run("segment", "a.tif", "-o", "out", "-m", "net")[2]
    assert run("segment", "a.tif", "-o", "out", "-m", "net", "--trust")[0] == 0
    record = json.loads((tmp_path / "out" / "a_run.json").read_text())
    assert "trusted by the user" in record["model"]["trusted"]
    assert record["model"]["licence"] == "not stated"


def test_get_downloads_and_imports(run, tmp_path: Path, monkeypatch) -> None:
    image = np.random.default_rng(0).uniform(0, 5, (1, 64, 64)).astype(np.float32)
    folder = package(
        tmp_path / "remote", after=SIGMOID, image=image, truth=lambda x: 1 / (1 + np.exp(-x))
    )
    with serving() as site:
        monkeypatch.setenv("TALLY_BIOIMAGEIO", site.address)
        for path in folder.iterdir():
            site.put(f"/kind-whale/files/{path.name}", path.read_bytes())
        code, out, _ = run("models", "get", "bioimageio:kind-whale", "--name", "whale")
    assert code == 0
    sha = hashlib.sha256((folder / "in.npy").read_bytes()).hexdigest()
    assert sha in out and "Licence: CC-BY-4.0" in out and "Saved as whale" in out
    assert napari_tally.load_model("whale").info.source.location == "bioimageio:kind-whale"
    run("models", "remove", "whale", "--yes")
    code, _, err = run(
        "models", "get", "bioimageio:kind-whale", "--from-folder", str(tmp_path / "cache")
    )
    assert code == 0, err
    run("models", "remove", "Tiny", "--yes")
    monkeypatch.setenv("TALLY_OFFLINE", str(tmp_path / "cache"))
    assert run("models", "get", "bioimageio:kind-whale", "--yes")[0] == 0


def test_export_is_read_back_as_the_same_model(run, tmp_path: Path) -> None:
    assert run("models", "export", "nuclei-2d", "-o", "out.zip")[0] == 0
    assert run("models", "import", "out.zip", "--name", "again")[0] == 0
    again, model = napari_tally.load_model("again"), napari_tally.load_model("nuclei-2d")
    assert again.info.head == model.info.head
    assert again.info.preprocessing == model.info.preprocessing
    noise = torch.rand(1, 1, 96, 112)
    maps = again.activate(again.network(noise))
    assert (maps - model.activate(model.network(noise))).abs().max() < 1e-4
    assert "exists" in run("models", "export", "nuclei-2d", "-o", "out.zip")[2]


def test_import_model_is_the_same_in_python(tiny: str) -> None:
    model = napari_tally.import_model(tiny, "own", licence="MIT", object_size=30)
    assert (model.info.name, model.info.licence) == ("own", "MIT")
    assert model.info.preprocessing.diameter.typical == 30
    with pytest.raises(ValueError, match="Did you mean 'licence'"):
        napari_tally.import_model(tiny, license="MIT")
