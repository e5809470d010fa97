"""Copy a model folder and replace its description."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import replacing_all
from ..core.errors import FileError, OutputExistsError
from ..core.part_folder import sweep
from .bundle import METADATA, SHIPPED, is_ours, save_info

if TYPE_CHECKING:
    from .bundle import Model
    from .model_info import ModelInfo

# What a model's folder may hold: our parts, those of MONAI bundles, and what systems put there.
_PARTS = (
    "configs", "docs", "models", "LICENSE", "LICENSE.md", "LICENSE.txt", "README.md", ".DS_Store",
)  # fmt: skip


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
    sweep(target.parent)
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
    _check_content(target)


def _check_content(folder: Path) -> None:
    """Refuse to replace a folder that holds more than a model of ours."""
    others = [p for p in sorted(folder.iterdir()) if p.name not in _PARTS]
    if others or not is_ours(folder):
        raise OutputExistsError(
            f"{folder} holds more than a model of napari-tally"
            + f", such as {others[0].name}" * bool(others),
            hint="Choose a new folder for the model",
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
        copy_files(model.folder, folder)
        save_info(folder, info)


def copy_files(source: Path, target: Path) -> None:
    """Copy a folder without links: they may name any file of whoever copies a model of others.

    Raises
    ------
    FileError
        If it holds something else than files and folders, such as a pipe.
    """

    def links(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(folder, name).is_symlink()}

    for path in source.rglob("*"):
        if not (path.is_symlink() or path.is_dir() or path.is_file()):
            raise FileError(f"{path} is no file, and the model cannot be copied")
    shutil.copytree(source, target, ignore=links)
