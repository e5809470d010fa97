"""What was understood of a model, with a form to correct it before it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from ...models.importing.proposal import ImportSettings
from ..controls.options_form import OptionsForm
from ..controls.section import Section
from ..controls.wrapped_label import WrappedLabel

if TYPE_CHECKING:
    from pathlib import Path

    from .job import Found


class ProposalPanel(QWidget):
    """Sentences about a model, its name, and a folded form of corrections."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences, self.warnings = WrappedLabel(), WrappedLabel()
        self.form = OptionsForm(
            ImportSettings, ["model_name"], exclude=("trust",), unset="as found"
        )
        self.correct = Section("Correct", self.form.native)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self.sentences, self.warnings, self.correct):
            column.addWidget(part)
        self.found: Found | None = None
        self.unread: Path | None = None  # whose outputs the user can state
        self.setVisible(False)

    def show_found(self, found: Found) -> None:
        """Show a model that was read."""
        self.found, self.unread = found, None
        proposal = found.proposal
        info = proposal.info
        lines = [f"{line}." for line in (*proposal.understood, f"Licence: {info.licence}")]
        self.sentences.setText("\n".join(lines))
        self.warnings.setText("\n".join(f"Note: {line}." for line in proposal.warnings))
        self.warnings.setVisible(bool(proposal.warnings))
        self.form.reset()
        self.form.set({k: v for k, v in found.settings.model_dump().items() if v})
        self.form.editors["model_name"].native.setPlaceholderText(info.name)
        self.setVisible(True)

    def show_unread(self, path: Path, settings: ImportSettings) -> None:
        """Show the form for a model whose outputs were not understood."""
        self.unread = path
        self.sentences.setText(f"State what the outputs of {path.name} are, and read it again.")
        self.warnings.setVisible(False)
        self.form.reset()
        self.form.set({k: v for k, v in settings.model_dump().items() if v})
        self.correct.open()
        self.form.section.open()
        self.setVisible(True)

    def leave(self) -> None:
        """Show nothing."""
        self.found = self.unread = None
        self.setVisible(False)
