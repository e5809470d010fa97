"""Stored settings: the plugin's page of napari's preferences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.settings import get_plugin_settings
from napari.utils.notifications import show_warning

from ...core.errors import TallyError, sentence
from ...core.user_path import user_path
from ...models.bundle import METADATA

PLUGIN = "napari-tally"


def remembered() -> Any:
    """Return the settings of the Segment dock; setting a field writes it to disk."""
    return get_plugin_settings(PLUGIN).segment


def own_models() -> list[Path]:
    """Return the folders of the models in the folder that the user set; warn if it cannot be."""
    folder = remembered().model_folder
    try:
        found = user_path(folder).glob(f"*/{METADATA}") if folder else ()
        return sorted(path.parents[1] for path in found)
    except TallyError as error:
        show_warning(sentence(error))
        return []
