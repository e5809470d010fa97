"""What happens to the user's models, for all docks that list them."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]


class ModelEvents(QObject):
    """Signals of the library of models."""

    changed = Signal()  # a model was imported or removed
    chosen = Signal(str)  # a model to segment with, by name


model_events = ModelEvents()
