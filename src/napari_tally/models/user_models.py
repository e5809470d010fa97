"""The user's own models: imported ones, in a folder of the user, by name."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import platformdirs

from ..core.errors import InputError, ModelError, unknown_name
from ..core.part_folder import sweep

VARIABLE = "TALLY_MODELS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,79}")
_METADATA = Path("configs/metadata.json")


def user_models_folder() -> Path:
    """Return the folder of the user's models, which may not exist yet."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser()
    return Path(platformdirs.user_data_dir("napari-tally", appauthor=False)) / "models"


def user_models() -> tuple[str, ...]:
    """Return the names of the user's models."""
    try:
        found = [p.name for p in user_models_folder().iterdir() if (p / _METADATA).is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(sorted(name for name in found if _NAME.fullmatch(name)))


def check_name(name: str) -> str:
    """Return a name if a model can have it.

    Raises
    ------
    InputError
        If it cannot.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"A model cannot have the name {name!r}",
            hint="Use letters, digits, and . _ + -, at most 80, beginning with a letter or digit",
        )
    return name


def as_name(text: str) -> str:
    """Return a name that a model can have, made of any text."""
    made = re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-._+")[:80].rstrip("-._+")
    return made or "model"


def check_imported(name: str) -> None:
    """Refuse a name that is none of the user's models.

    Raises
    ------
    ModelError
        If it is not.
    """
    if name not in user_models():
        missing = unknown_name("imported model", name, user_models())
        raise ModelError(missing.problem, hint=missing.hint)


def remove_model(name: str) -> None:
    """Delete one of the user's models.

    Raises
    ------
    ModelError
        If there is none of that name.
    """
    check_imported(name)
    folder = user_models_folder()
    sweep(folder)
    target = folder / name
    if target.is_symlink():
        target.unlink()
    else:
        shutil.rmtree(target)
