"""napari's table of features, in a tab with the other docks: a laptop has no room for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel

_TABLE = ("napari", "Features table widget")


def show_table(viewer: ViewerModel) -> None:
    """Open the table and bring it to the front; one that is open already stays where it is."""
    window: Any = getattr(viewer, "window", None)
    if window is None:
        return
    dock, _ = window.add_plugin_dock_widget(*_TABLE, tabify=True)
    dock.show()
    dock.raise_()
