"""The Models dock in a real viewer, opened through the manifest."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
import pytest
import torch
from local_server import serving
from mask_models import save_onnx
from packages import package
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from napari_tally.models.user_models import user_models
from napari_tally.widgets.models import dock as module
from napari_tally.widgets.segment import dock as segment_module
from napari_tally.widgets.segment.dock import SegmentDock

SIGMOID = ({"id": "sigmoid"},)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "mine"))
    monkeypatch.setenv("TALLY_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("TALLY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    scale = ({"id": "scale_linear", "kwargs": {"gain": 20.0, "offset": -10.0}},)
    return package(tmp_path / "tiny-net", before=scale, after=SIGMOID, name="tiny-net")


@pytest.fixture
def models(viewer):
    return viewer.window.add_plugin_dock_widget("napari-tally", "Models")[1]


@pytest.fixture
def wait(until):
    def idle(dock) -> None:
        until(lambda: not dock.runner.busy)

    return idle


def choose(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Answer the dialogue that asks for a file or folder."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a, **k: str(path))


def test_from_a_file_to_objects_in_five_clicks(viewer, models, tiny, monkeypatch, wait) -> None:
    image = np.zeros((64, 80), np.float32)
    image[10:20, 10:30] = image[40:50, 40:60] = 1
    viewer.layers.clear()
    viewer.add_image(image, name="two")
    choose(monkeypatch, tiny / "rdf.yaml")
    models.add.click()  # the first, and the second in the file dialogue
    wait(models)
    assert "its connected components are the objects" in models.proposal.sentences.whole
    assert user_models() == ()
    models.panel.run.click()
    wait(models)
    assert models.list.entry.name == "tiny-net"
    models.use.click()
    (segment,) = viewer.window._qt_window.findChildren(SegmentDock)
    assert segment.model == "tiny-net"
    segment.panel.run.click()
    wait(segment)
    assert segment.result.layer.data.max() == 2


def test_all_docks_follow_the_library(viewer, models, tiny, monkeypatch, wait) -> None:
    segment = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")[1]
    train = viewer.window.add_plugin_dock_widget("napari-tally", "Train")[1]
    choose(monkeypatch, tiny)
    models.add_folder.click()
    wait(models)
    models.panel.run.click()
    wait(models)
    assert "tiny-net" in segment.form.model.choices
    assert "tiny-net" in train.form.start.choices
    monkeypatch.setattr(QMessageBox, "question", lambda *a: QMessageBox.StandardButton.No)
    models.remove.click()
    assert user_models() == ("tiny-net",)
    segment.form.model.value = "tiny-net"
    monkeypatch.setattr(QMessageBox, "question", lambda *a: QMessageBox.StandardButton.Yes)
    models.remove.click()
    assert user_models() == ()
    assert "tiny-net" not in segment.form.model.choices
    assert segment.model == "nuclei-2d"


def test_models_are_listed_under_headings_that_cannot_be_selected(models) -> None:
    names = models.list.names
    rows = [(names.item(i).text(), bool(names.item(i).flags())) for i in range(names.count())]
    assert rows[:2] == [("Nuclei", False), ("nuclei-2d", True)]
    assert ("Organs and vessels", False) in rows
    assert models.list.entry.name == "nuclei-2d"
    assert "Takes: 2D, 1 channel" in models.list.facts.text()


def test_what_was_understood_can_be_corrected(models, tiny, wait) -> None:
    models.read(tiny)
    wait(models)
    models.proposal.correct.open()
    models.proposal.form.set({"model_name": "mine", "classes": ("nucleus",), "licence": "MIT"})
    models.panel.run.click()
    wait(models)
    info = models.list.entry.info
    assert (info.name, info.head.class_names, info.licence) == ("mine", ("nucleus",), "MIT")


def test_wrong_corrections_are_a_sentence_and_nothing_is_lost(models, tiny, wait) -> None:
    models.read(tiny)
    wait(models)
    models.proposal.form.set({"object_size": "large"})
    models.panel.run.click()
    assert "Object size must be a number" in models.panel.status.whole
    models.proposal.form.set({"object_size": "", "model_name": "nuclei-2d"})
    models.panel.run.click()
    wait(models)
    assert "the name of a built-in model" in models.panel.status.whole
    assert models.proposal.isVisibleTo(models)
    models.proposal.form.set({"model_name": "fine"})
    models.panel.run.click()
    wait(models)
    assert user_models() == ("fine",)


def test_a_file_can_be_dropped(models, tiny, wait) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tiny))])
    drop = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    models.dropEvent(drop)
    wait(models)
    assert models.proposal.found.proposal.info.name == "tiny-net"


def test_cancel_drops_what_was_found(models, tiny, wait) -> None:
    models.read(tiny)
    wait(models)
    models.panel.cancel.click()
    assert not models.proposal.isVisibleTo(models)
    assert not models.panel.run.isVisibleTo(models)
    assert user_models() == ()


def test_a_save_that_is_cancelled_leaves_no_model(models, tiny, monkeypatch, until, wait) -> None:
    from napari_tally.models.importing import importing

    began, go = Event(), Event()
    write = importing.save_proposal

    def slowly(proposal) -> None:
        began.set()
        go.wait(30)
        write(proposal)

    models.read(tiny)
    wait(models)
    monkeypatch.setattr(importing, "save_proposal", slowly)
    closed = []
    models.runner.closed.connect(lambda: closed.append(True))
    models.panel.run.click()
    until(began.is_set)
    models.panel.cancel.click()
    go.set()
    until(lambda: bool(closed))
    assert user_models() == ()


def test_the_next_button_is_in_sight(viewer, models, tiny, wait, until) -> None:
    viewer.window._qt_window.resize(1000, 480)
    models.proposal.correct.open()
    models.read(tiny)
    wait(models)
    until(lambda: not models.panel.run.visibleRegion().isEmpty())
    until(lambda: not models.panel.status.visibleRegion().isEmpty())


def test_a_name_that_is_taken_is_explained_in_words_of_the_dock(models, tiny, wait) -> None:
    for _ in range(2):
        models.read(tiny)
        wait(models)
        models.panel.run.click()
        wait(models)
    assert "Choose another name, or remove that model first" in models.panel.status.whole
    assert "--" not in models.panel.status.whole


def test_outputs_that_are_not_recognized_can_be_stated(models, tmp_path, wait) -> None:
    path = tmp_path / "strange.onnx"
    save_onnx(path, {"out": np.zeros((1, 3, 5, 7, 2, 2), np.float32)}, (64, 64))
    models.read(path)
    wait(models)
    assert "are unknown" in models.panel.status.whole
    assert models.panel.run.text() == "Read again"
    assert models.proposal.form.editors["reading"].native.isVisibleTo(models)
    models.proposal.form.set({"classes": ("nucleus",)})
    models.panel.run.click()
    wait(models)
    assert models.proposal.form.values().classes == ("nucleus",)
    models.panel.cancel.click()
    assert not models.proposal.isVisibleTo(models)
    assert not models.panel.run.isVisibleTo(models)


def test_what_is_no_model_is_a_sentence(models, tmp_path, wait) -> None:
    (tmp_path / "a.txt").write_text("x")
    models.read(tmp_path / "a.txt")
    wait(models)
    assert "is no model of a known format" in models.panel.status.whole


def test_code_is_loaded_only_after_the_question(models, tmp_path, monkeypatch, wait) -> None:
    torch.jit.script(torch.nn.Sigmoid()).save(str(tmp_path / "net.pt"))
    asked = []
    monkeypatch.setattr(module, "ask_trust", lambda path, parent: asked.append(path.name))
    models.read(tmp_path / "net.pt")
    wait(models)
    assert asked == ["net.pt"]
    assert "is not trusted, and was not loaded" in models.panel.status.whole
    assert models.proposal.found is None
    monkeypatch.undo()
    monkeypatch.setenv("TALLY_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(QMessageBox, "exec", lambda box: None)
    trusting = "Trust this file"
    clicked = lambda box: next(b for b in box.buttons() if b.text() == trusting)  # noqa: E731
    monkeypatch.setattr(QMessageBox, "clickedButton", clicked)
    models.read(tmp_path / "net.pt")
    wait(models)
    until_read = models.runner
    assert not until_read.busy
    assert models.proposal.found.proposal.info.runtime.name == "torchscript"


def test_the_segment_dock_asks_too(viewer, models, tmp_path, monkeypatch, wait, until) -> None:
    torch.jit.script(torch.nn.Sigmoid()).save(str(tmp_path / "net.pt"))
    from napari_tally import import_model

    import_model(tmp_path / "net.pt", trust=True)
    monkeypatch.setenv("TALLY_CONFIG", str(tmp_path / "another user"))
    models.list.refresh("net")
    models.use.click()
    (segment,) = viewer.window._qt_window.findChildren(SegmentDock)
    asked = []
    monkeypatch.setattr(segment_module, "ask_trust", lambda path, parent: asked.append(path.name))
    segment.panel.run.click()
    until(lambda: bool(asked) and not segment.runner.busy)
    assert asked == ["model.pt"]
    assert "is not trusted" in segment.panel.status.whole


def test_a_model_is_downloaded_after_its_size_and_licence_were_shown(
    models, tiny, monkeypatch, wait
) -> None:
    with serving() as site:
        monkeypatch.setenv("TALLY_BIOIMAGEIO", site.address)
        for path in tiny.iterdir():
            site.put(f"/kind-whale/files/{path.name}", path.read_bytes())
        monkeypatch.setattr(QInputDialog, "getText", lambda *a: ("bioimageio:kind-whale", True))
        models.get.click()
        wait(models)
        assert "Licence: CC-BY-4.0" in models.panel.status.whole
        assert "SHA-256" in models.panel.status.whole
        assert models.panel.run.text() == "Download"
        models.panel.run.click()
        wait(models)
        models.panel.run.click()
        wait(models)
    assert models.list.entry.source == "BioImage.IO, bioimageio:kind-whale"


def test_the_card_and_the_facts_of_a_model_are_shown(models) -> None:
    models.list.refresh("nuclei-2d")
    for words in ("Nuclei in 2D", "BSD-3-Clause", "built in", "MB", "SHA-256"):
        assert words in models.list.facts.whole
    assert not models.remove.isEnabled()
    models.card_button.click()
    assert models.card.isVisibleTo(models)
    assert "nuclei-2d" in models.card.toPlainText()


def test_it_fits_a_small_screen(models, tiny, wait) -> None:
    models.read(tiny)
    wait(models)
    models.proposal.correct.open()
    models.proposal.form.section.open()
    models.card_button.click()
    assert models.minimumSizeHint().width() <= 320


def test_it_opens_without_torch() -> None:
    import subprocess
    import sys

    code = "import napari_tally.widgets.models.dock, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
