"""What the docks have in common: one run at a time, which ends with the dock or the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from ...core.errors import TallyError, sentence
from .run_panel import RunPanel
from .runner import Runner

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtGui import QHideEvent, QShowEvent

WRONG_INPUT = (TallyError, ValidationError)  # what a form that cannot be understood ends in


class Dock(QWidget):
    """A dock with a panel that tells of its runs."""

    def __init__(self, viewer: ViewerModel, title: str) -> None:
        super().__init__()
        self.viewer = viewer
        self.panel = RunPanel()
        self.runner = Runner(title)
        self.runner.failed.connect(self._failed)
        self.shown = False
        self.refused = ""  # what is wrong with the form
        self.destroyed.connect(self.runner.cancel)

    def showEvent(self, event: QShowEvent) -> None:  # type: ignore[override]
        """Become a tab of the docks of ours that are there: one below the other none has room."""
        super().showEvent(event)
        if not self.shown:
            self.shown = True
            _join_others(self)

    def changeEvent(self, event: QEvent) -> None:  # type: ignore[override]
        """Let go of the viewer when the dock is taken out of the window."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.let_go()

    def hideEvent(self, event: QHideEvent) -> None:  # type: ignore[override]
        """Stop when the whole window is closed; a dock that is only hidden goes on."""
        super().hideEvent(event)
        window = self.window()
        if window is not None and not window.isVisible():
            self.stop_runs()

    def stop_runs(self) -> None:
        """Stop what is under way."""
        self.runner.cancel()

    def let_go(self) -> None:
        """Stop, and follow the viewer no more."""
        self.stop_runs()

    def cancel(self) -> None:
        """Stop within a step; what was there before stays."""
        if self.runner.busy:
            self.runner.cancel()
            self.panel.idle()
            self.panel.say("Cancelled.")

    def refuse(self, error: Exception) -> None:
        """Report what is wrong with a form, until it is changed."""
        self.refused = sentence(error)
        self.panel.say(self.refused, warn=True)

    def accept(self) -> None:
        """Take back what was wrong with a form: it was changed since."""
        if self.refused and self.panel.status.whole == self.refused:
            self.panel.say("")
        self.refused = ""

    def _failed(self, error: BaseException) -> None:
        self.panel.idle()
        self.panel.say(sentence(error), warn=True)
        if not isinstance(error, TallyError | MemoryError | OSError):
            raise error  # napari shows it with its traceback


def _join_others(dock: Dock) -> None:
    """Make a dock a tab of another one of ours on the same side, in front of it."""
    window, own = dock.window(), _around(dock)
    if own is None or own.isFloating() or not isinstance(window, QMainWindow):
        return
    side = window.dockWidgetArea(own)
    for other in window.findChildren(Dock):
        place = _around(other)
        if place in (None, own) or place.isFloating() or not place.isVisible():
            continue
        if window.dockWidgetArea(place) == side and own not in window.tabifiedDockWidgets(place):
            window.tabifyDockWidget(place, own)
            own.raise_()
            return


def _around(dock: QWidget) -> QDockWidget | None:
    """Return the part of the window that a dock lies in, None while it lies in none."""
    parent = dock.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
