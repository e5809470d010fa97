"""Stored settings: the plugin's page of napari's preferences."""

from __future__ import annotations

from typing import Any

from napari.settings import get_plugin_settings

PLUGIN = "napari-tally"


def remembered() -> Any:
    """Return the settings of the Segment dock; setting a field writes it to disk."""
    return get_plugin_settings(PLUGIN).segment
