"""Copy a model folder and replace its description."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import replacing_all
from ..core.errors import OutputExistsError
from .bundle import METADATA, SHIPPED, save_info

if TYPE_CHECKING:
    from .bundle import Model
    from .model_info import ModelInfo


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a target folder that exists or is inside the package.

    Raises
    ------
    OutputExistsError
        If the folder exists and is not to be overwritten, holds no model, or is built in.
    """
    if SHIPPED in target.resolve().parents or target.resolve() == SHIPPED:
        raise OutputExistsError(
            f"{target} is inside the package", hint="Choose a folder outside of it"
        )
    if not target.exists():
        return
    if not (target / METADATA).is_file():
        raise OutputExistsError(
            f"{target} exists and holds no model", hint="Choose a new folder for the model"
        )
    if not overwrite:
        raise OutputExistsError(
            f"{target} already holds a model", hint="Use --overwrite or another folder"
        )


def copy_model(model: Model, info: ModelInfo, target: Path, *, overwrite: bool = False) -> None:
    """Copy a model to another folder, completely or not at all, with `info` as its description.

    Raises
    ------
    OutputExistsError
        See `check_target`.
    FileError
        If the folder cannot be written.
    """
    check_target(target, overwrite=overwrite)
    with replacing_all(target) as folder:
        shutil.copytree(model.folder, folder)
        save_info(folder, info)
