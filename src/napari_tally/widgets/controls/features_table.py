"""napari's features table, as a tab of the other docks to save space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel

_TABLE = ("napari", "Features table widget")


def show_table(viewer: ViewerModel) -> None:
    """Open the features table, or raise it if it is open."""
    window: Any = getattr(viewer, "window", None)
    if window is None:
        return
    dock, _ = window.add_plugin_dock_widget(*_TABLE, tabify=True)
    dock.show()
    dock.raise_()
