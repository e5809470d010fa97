"""The Models dock: the library of models, import, download, remove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
)

from ...core.errors import TallyError, UnknownOutputsError, sentence
from ...models.bundle import read_card
from ...models.importing.proposal import ImportSettings
from ...models.trust import UntrustedError
from ...models.user_models import remove_model
from ..controls.dock import WRONG_INPUT, Dock
from ..controls.model_events import model_events
from ..controls.scroll_area import scroll_to, scrolled
from ..controls.trust_dialog import ask_trust
from .job import Found, Saved, fetch_job, look_up_job, read_job, save_job
from .model_list import ModelList
from .proposal_panel import ProposalPanel

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

    from ...models.download.download import Download

_SOURCES = "hf:OWNER/NAME, bioimageio:ID or https://..."


class ModelsDock(Dock):
    """List the models; add those of other programs, from files or the network."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer, "Models")
        self.list, self.proposal = ModelList(), ProposalPanel()
        self.add = QPushButton("Add a model...")
        self.add_folder = QPushButton("Folder...")
        self.get = QPushButton("Get...")
        self.use = QPushButton("Segment with it")
        self.card_button, self.remove = QPushButton("Show card"), QPushButton("Remove")
        self.card = QPlainTextEdit()
        self.offer: Download | None = None  # what a server has, before it is downloaded
        self.reading: tuple[Any, ...] = ()  # what is read, to be read again once it is trusted
        self._build()
        self._connect()
        self.setAcceptDrops(True)
        self._selected()

    def _build(self) -> None:
        self.add.setToolTip("A file: ONNX, TorchScript, a BioImage.IO .zip; or drop it here.")
        self.add_folder.setToolTip("A folder: a MONAI bundle, nnU-Net, Hugging Face, BioImage.IO.")
        self.get.setToolTip(f"Download a model: {_SOURCES}.")
        self.card.setReadOnly(True)
        self.card.setVisible(False)
        column = scrolled(self)
        column.addWidget(self.list)
        for buttons in (
            (self.use, self.card_button, self.remove),
            (self.add, self.add_folder, self.get),
        ):
            row = QHBoxLayout()
            for button in buttons:
                row.addWidget(button)
            column.addLayout(row)
        for part in (self.card, self.proposal, self.panel):
            column.addWidget(part)
        column.addStretch(1)
        self._ready("")

    def _connect(self) -> None:
        self.list.selected.connect(self._selected)
        self.add.clicked.connect(self._ask_file)
        self.add_folder.clicked.connect(self._ask_folder)
        self.get.clicked.connect(self._ask_source)
        self.use.clicked.connect(self._use)
        self.card_button.clicked.connect(self._toggle_card)
        self.remove.clicked.connect(self._remove)
        self.panel.run.clicked.connect(self.run)
        self.panel.cancel.clicked.connect(self.cancel)
        self.proposal.form.changed.connect(self.accept)
        self.runner.stepped.connect(self.panel.step)
        self.runner.finished.connect(self._finished)
        model_events.changed.connect(self._refresh)

    def let_go(self) -> None:
        """Stop, and disconnect from the viewer."""
        super().let_go()
        model_events.changed.disconnect(self._refresh)

    def read(self, path: Path, settings: ImportSettings | None = None) -> None:
        """Read a model file or folder, and show what was understood."""
        self._begin(read_job, path, settings or ImportSettings(), None)

    def look_up(self, source: str) -> None:
        """Ask a server what it has, and show that before the download."""
        self._begin(look_up_job, source)

    def run(self) -> None:
        """Save the model that was read, or download the one that was found."""
        if self.offer is not None:
            self._begin(fetch_job, self.offer)
            return
        found, unread = self.proposal.found, self.proposal.unread
        if found is None and unread is None:
            return
        try:
            settings = self.proposal.form.values(trust=found is not None and found.settings.trust)
        except WRONG_INPUT as error:
            self.refuse(error)
            return
        if unread is not None:
            self.read(unread, settings)
            return
        self.panel.start()
        self.reading = (save_job, found, settings)
        self.runner.start(*self.reading)

    def cancel(self) -> None:
        """Stop within a step; what was found is dropped."""
        busy = self.runner.busy
        super().cancel()
        if not busy:
            self.panel.say("")
        self._ready("")

    def _begin(self, *job: Any) -> None:
        """Start a job; what was found before is dropped."""
        self.proposal.leave()
        self.offer = None
        self.reading = job
        self.panel.run.setVisible(False)
        self.panel.cancel.setVisible(True)
        self.panel.start()
        self.runner.start(*job)

    def _ready(self, action: str) -> None:
        """Offer to save or to download, or neither."""
        self.panel.idle()
        if not action:
            self.proposal.leave()
            self.offer = None
        self.panel.run.setText(action)
        self.panel.run.setVisible(bool(action))
        self.panel.cancel.setVisible(bool(action))
        self.panel.cancel.setEnabled(bool(action))

    def _has_offer(self) -> bool:
        proposal = self.proposal
        return any(x is not None for x in (self.offer, proposal.found, proposal.unread))

    def _finished(self, result: Download | Found | Saved) -> None:
        if isinstance(result, Saved):
            self._ready("")
            self.list.refresh(result.name)
            model_events.changed.emit()
            self.panel.say(f"Saved as {result.name}. It is in the lists of all docks.")
        elif isinstance(result, Found):
            self.proposal.show_found(result)
            self._ready("Save")
            self.panel.say("Save it, or correct it first.")
            self._reveal()
        else:
            self.offer = result
            self._ready("Download")
            self.panel.say("\n".join(f"{line}." for line in result.sentences))
            self._reveal()

    def _reveal(self) -> None:
        """Bring the buttons and the message into sight: a proposal may not fit the window."""
        scroll_to(self.panel)

    def _failed(self, error: BaseException) -> None:
        job, found = self.reading, self.proposal.found
        self._ready("Save" if found is not None else "")
        if isinstance(error, UntrustedError):
            if ask_trust(error.path, self):
                self.panel.start()
                self.runner.start(*job)
            else:
                self.panel.say(f"{error.path.name} is not trusted, and was not loaded.")
            return
        if isinstance(error, UnknownOutputsError) and job[0] is read_job:
            self._ready("Read again")
            self.proposal.show_unread(job[1], job[2])
        self._reveal()
        super()._failed(error)
        self.panel.cancel.setEnabled(self._has_offer())

    def _ask_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Add a model", "", "Models (*.onnx *.pt *.pth *.ts *.zip *.yaml);;All files (*)"
        )
        if name:
            self.read(Path(name))

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Add a model from a folder")
        if name:
            self.read(Path(name))

    def _ask_source(self) -> None:
        source, given = QInputDialog.getText(self, "Get a model", f"{_SOURCES}:")
        if given and source.strip():
            self.look_up(source.strip())

    def _selected(self) -> None:
        entry = self.list.entry
        for button in (self.use, self.card_button):
            button.setEnabled(entry is not None and entry.info is not None)
        self.remove.setEnabled(entry is not None and not entry.builtin)
        self.card.setVisible(False)

    def _toggle_card(self) -> None:
        entry = self.list.entry
        if self.card.isVisible() or entry is None:
            self.card.setVisible(False)
            return
        try:
            text = read_card(entry.folder)
        except TallyError as error:
            text = sentence(error)
        if not text:
            self.panel.say(f"{entry.name} has no card.")
            return
        self.card.setPlainText(text)
        self.card.setVisible(True)

    def _remove(self) -> None:
        entry = self.list.entry
        if entry is None or entry.builtin or not self._agreed(entry.name):
            return
        try:
            remove_model(entry.name)
        except (TallyError, OSError) as error:
            self.panel.say(sentence(error), warn=True)
            return
        model_events.changed.emit()
        self.panel.say(f"{entry.name} is removed.")

    def _agreed(self, name: str) -> bool:
        question = f"Delete {name} from your models?"
        answer = QMessageBox.question(self, "Remove a model", question)
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _use(self) -> None:
        """Open the Segment dock with the selected model."""
        entry, window = self.list.entry, getattr(self.viewer, "window", None)
        if entry is None or window is None:
            return
        window.add_plugin_dock_widget("napari-tally", "Segment")
        model_events.chosen.emit(entry.name)

    def _refresh(self) -> None:
        self.list.refresh()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # type: ignore[override]
        """Take a file or folder."""
        if _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # type: ignore[override]
        """Read the file or folder that was dropped."""
        path = _dropped(event)
        if path is not None:
            event.acceptProposedAction()
            self.read(path)


def _dropped(event: Any) -> Path | None:
    """Return the only local file or folder of a drop."""
    addresses = event.mimeData().urls()
    if len(addresses) != 1 or not addresses[0].isLocalFile():
        return None
    return Path(addresses[0].toLocalFile())
