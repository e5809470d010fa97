"""A table of a label layer that stays that of the labels as they are now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from ...core.errors import TallyError, sentence
from ...core.progress import Steps, drain
from ..controls.runner import Runner
from .features import OUTDATED, features
from .layer_state import State, are_quick, state_of, state_steps

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Layer

EDITED = "The labels were edited since they were measured"
BUSY = "The labels are being updated. Try again when they are ready."
_REST_MS = 300  # after the last edit
_kept: list[LiveTable] = []  # of layers in a viewer, which nothing else references


class LiveTable(QObject):
    """Notices edits of label layers; a subclass with a `recipe` measures them again.

    Edits are announced by napari (paint, fill, new data), or noticed by a checksum: when the layer
    is drawn again (undo, a script) and before the table is used.

    Parameters
    ----------
    layers : sequence of Layer
        The layer of the table, then others that were measured with it.
    remedy : str
        What to do about large labels, which are not measured at once.
    """

    measured = Signal(object)  # what the recipe returned
    outdated = Signal(str)  # the labels differ from those measured; what to do
    restored = Signal()  # the labels are again those measured

    def __init__(self, layers: Sequence[Layer], remedy: str = "Press Update.") -> None:
        super().__init__()
        self.layers, self.advice = tuple(layers), f"{EDITED}. {remedy}"
        self.measured_state: State | None = None
        self.problem = ""  # why the table is out of date, and what to do
        self.held = False  # while a run is about to replace the labels
        self._asked: State | None = None  # being measured
        self._known: State | None = None  # known to differ
        self._shown: dict[Layer, pd.DataFrame] = {}  # features that this table set
        self._removed: Any = None  # events of the viewer, while kept alive
        self._inserted: Any = None
        self.runner, self._checker = Runner("Measure"), Runner("Check")
        self.runner.finished.connect(self._finished)
        self.runner.failed.connect(self._failed)
        self._checker.finished.connect(self._compare)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self._check)
        self._connect()

    def recipe(self) -> Steps[Any]:
        """Return the steps that measure a snapshot of the layers.

        Raises
        ------
        TallyError
            If they cannot be measured.
        """
        raise NotImplementedError

    @property
    def at_once(self) -> bool:
        """Whether edits are measured without being asked: not without a recipe."""
        return type(self).recipe is not LiveTable.recipe and are_quick(self.layers)

    def show(self, found: Any) -> None:
        """Show what the recipe returned."""

    def take(self, state: State | None = None) -> None:
        """Note that the table is that of the layers in a state, by default as they are now."""
        self.runner.cancel()
        self.measured_state = state_of(self.layers) if state is None else state
        self.problem, self.held, self._known = "", False, None
        self._timer.start()  # they may have been edited since

    def hold(self) -> None:
        """Wait for a run that replaces the labels: what is shown meanwhile is not measured."""
        self.held = True
        self.runner.cancel()

    def release(self) -> None:
        """Measure what is shown, after a run that did not end."""
        if self.held:
            self.held, self._known = False, None
            self._timer.start()

    def start(self) -> None:
        """Measure the labels as they are now, in the background."""
        self._asked = state_of(self.layers)
        try:
            steps = self.recipe()
        except TallyError as error:
            self._failed(error)
            return
        self.runner.start(lambda: steps, bar=False)

    def update(self) -> bool:
        """Measure edited labels now, before their table is used; return whether it is current.

        `problem` says why not.
        """
        if self.held:
            self.problem = BUSY
            return False
        now = state_of(self.layers)
        if now == self.measured_state:
            self._compare(now)
            return True
        if not self.at_once:
            self._mark()
            return False
        self.runner.cancel()
        self._asked = now
        try:
            found = drain(self.recipe())
        except TallyError as error:
            self._failed(error)
            return False
        self._finished(found)
        return True

    def set_features(self, layer: Labels, table: pd.DataFrame, *, own: bool = False) -> None:
        """Make a table the features of a layer, unless others than those of this table are set."""
        if own or layer.features is self._shown.get(layer):
            layer.features = features(table)
            self._shown[layer] = layer.features

    def stop(self) -> None:
        """Stop, and disconnect from the layers."""
        self._timer.stop()
        self.runner.cancel()
        self._checker.cancel()
        for layer in self.layers:
            layer.events.data.disconnect(self._touched)
            if isinstance(layer, Labels):
                layer.events.paint.disconnect(self._painted)
                layer.events.set_data.disconnect(self._touched)
                layer.events.reload.disconnect(self._touched)
        if self._removed is not None:
            self._removed.disconnect(self._layer_removed)
            self._inserted.disconnect(self._layer_inserted)
            _kept.remove(self)
            self._removed = None

    def keep(self, viewer: ViewerModel) -> None:
        """Stay alive until the layer of the table is removed from the viewer."""
        self._viewer = viewer
        self._removed, self._inserted = viewer.layers.events.removed, viewer.layers.events.inserted
        self._removed.connect(self._layer_removed)
        self._inserted.connect(self._layer_inserted)
        _kept.append(self)

    def _layer_inserted(self, event: Any) -> None:
        """Follow a copy of the layer, which napari makes with its table."""
        layer = event.value
        parent = layer.source.parent
        if not isinstance(layer, Labels) or parent is None or parent() != self.layers[0]:
            return
        copy = LiveTable((layer,), "Measure them again.")
        copy.follow_features(self._viewer)

    def follow_features(self, viewer: ViewerModel) -> None:
        """Mark the features that the layer has now when its labels are edited."""
        layer = self.layers[0]
        self._shown[layer] = layer.features
        self.take()
        self.keep(viewer)

    def _layer_removed(self, event: Any) -> None:
        if event.value == self.layers[0]:  # one of them may be a proxy of the other
            self.stop()

    def _connect(self) -> None:
        for layer in self.layers:
            layer.events.data.connect(self._touched)
            if isinstance(layer, Labels):
                layer.events.paint.connect(self._painted)
                layer.events.set_data.connect(self._touched)
                layer.events.reload.connect(self._touched)

    def _painted(self, _event: Any = None) -> None:
        if not self.held and self.measured_state is not None:
            self._mark()
        self._touched()

    def _touched(self, _event: Any = None) -> None:
        self._timer.start()

    def _check(self) -> None:
        """Compare the layers with those measured; large ones in the background."""
        if self.held or self.measured_state is None:
            return
        if are_quick(self.layers):
            self._compare(state_of(self.layers))
        elif not self.runner.busy:
            self._checker.start(state_steps, self.layers, bar=False)

    def _compare(self, now: State) -> None:
        if self.held:
            return
        if now == self.measured_state:
            self.runner.cancel()
            self._known = None
            if self.problem:
                self._restore()
            return
        if now == self._known:
            return
        self._known = now
        self._mark()
        if self.at_once:
            self.start()

    def _finished(self, found: Any) -> None:
        self.take(self._asked)
        self.show(found)
        self.measured.emit(found)

    def _failed(self, error: BaseException) -> None:
        self._mark(f"{EDITED}, and cannot be measured again: {sentence(error)}")
        if not isinstance(error, TallyError | MemoryError | OSError):
            raise error  # napari shows the traceback

    def _mark(self, why: str = "") -> None:
        """Mark the table as out of date, in napari's own table too."""
        self.problem = why or self.advice
        for layer, shown in self._shown.items():
            if layer.features is shown and OUTDATED not in shown:
                layer.features = shown.assign(**{OUTDATED: True})
                self._shown[layer] = layer.features
        self.outdated.emit(self.problem)

    def _restore(self) -> None:
        self.problem = ""
        for layer, shown in self._shown.items():
            if layer.features is shown and OUTDATED in shown:
                layer.features = shown.drop(columns=OUTDATED)
                self._shown[layer] = layer.features
        self.restored.emit()
