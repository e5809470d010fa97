"""Base of the docks: one run at a time, which ends with the dock or the window."""

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

WRONG_INPUT = (TallyError, ValidationError)  # errors of an invalid form


class Dock(QWidget):
    """A dock with a panel that shows its runs."""

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
        """Become a tab of the other docks of this plugin: stacked, none has room."""
        super().showEvent(event)
        if not self.shown:
            self.shown = True
            _join_others(self)

    def changeEvent(self, event: QEvent) -> None:  # type: ignore[override]
        """Disconnect from the viewer when the dock is removed from the window."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.let_go()

    def hideEvent(self, event: QHideEvent) -> None:  # type: ignore[override]
        """Stop when the window is closed; a hidden dock continues."""
        super().hideEvent(event)
        window = self.window()
        if window is not None and not window.isVisible():
            self.stop_runs()

    def stop_runs(self) -> None:
        """Stop the current run."""
        self.runner.cancel()

    def let_go(self) -> None:
        """Stop, and disconnect from the viewer."""
        self.stop_runs()

    def cancel(self) -> None:
        """Stop within a step; earlier results stay."""
        if self.runner.busy:
            self.runner.cancel()
            self.panel.idle()
            self.panel.say("Cancelled.")

    def refuse(self, error: Exception) -> None:
        """Show what is wrong with a form, until it is changed."""
        self.refused = sentence(error)
        self.panel.say(self.refused, warn=True)

    def accept(self) -> None:
        """Clear the error of a form, after a change."""
        if self.refused and self.panel.status.whole == self.refused:
            self.panel.say("")
        self.refused = ""

    def _failed(self, error: BaseException) -> None:
        self.panel.idle()
        self.panel.say(sentence(error), warn=True)
        if not isinstance(error, TallyError | MemoryError | OSError):
            raise error  # napari shows the traceback


def _join_others(dock: Dock) -> None:
    """Make a dock the front tab of another dock of this plugin on the same side."""
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
    """Return the dock widget that contains a dock, None outside of a window."""
    parent = dock.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
