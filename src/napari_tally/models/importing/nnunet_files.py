"""The files of a results folder of nnU-Net v2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import ModelError, printable
from ...core.json_object import read_json_object
from ..weights import inside

PLANS, DATASET = "plans.json", "dataset.json"
CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
_LONGEST = 2**26  # bytes of a description: plans hold numbers of the whole data set
_MOST_FOLDS = 20


@dataclass(frozen=True)
class Results:
    """The folder of a trained configuration, and the checkpoints of its folds."""

    folder: Path
    checkpoints: tuple[Path, ...]

    def read(self, name: str) -> dict[str, Any]:
        """Read one of its descriptions.

        Raises
        ------
        ModelError, FileError
            If it is missing or damaged.
        """
        return read_json(self.folder, name)

    @property
    def folds(self) -> str:
        """Its folds in words."""
        names = [path.parent.name.removeprefix("fold_") for path in self.checkpoints]
        return f"fold {names[0]}" if len(names) == 1 else f"{len(names)} folds"


def looks_like_results(path: Path) -> bool:
    """Return whether a path is a results folder, a fold or its checkpoint, or the folder above."""
    if path.is_file():
        return path.name in CHECKPOINTS and path.parent.name.startswith("fold_")
    if not path.is_dir():
        return False
    if path.name.startswith("fold_"):
        return any((path / name).is_file() for name in CHECKPOINTS)
    return _is_results(path) or bool(_below(path))


def find_results(path: Path) -> Results:
    """Return the results folder that a path means.

    Raises
    ------
    ModelError
        If there are several, or it has no checkpoint.
    """
    path = path.parent if path.is_file() else path
    if path.name.startswith("fold_"):
        return Results(path.parent, (_checkpoint(path.parent, path.name),))
    if not _is_results(path):
        found = _below(path)
        if len(found) > 1:
            names = ", ".join(printable(p.name) for p in found)
            raise ModelError(
                f"{path} holds {len(found)} trained configurations: {names}",
                hint="Give the folder of one",
            )
        path = found[0]
    folds = sorted(p.name for p in path.glob("fold_*") if p.is_dir())
    trained = [name for name in folds if any((path / name / c).is_file() for c in CHECKPOINTS)]
    if not trained:
        raise ModelError(
            f"{path} has no {CHECKPOINTS[0]} or {CHECKPOINTS[1]} in a folder fold_0, fold_1, ..."
        )
    if len(trained) > _MOST_FOLDS:
        raise ModelError(f"{path} has {len(trained)} folds, more than {_MOST_FOLDS}")
    return Results(path, tuple(_checkpoint(path, name) for name in trained))


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """Read a description as plain values.

    Raises
    ------
    ModelError, FileError
        If it is missing, too large or damaged.
    """
    path = inside(folder, Path(name))
    missing = f"{folder} has no file {name}, which a results folder of nnU-Net v2 has"
    return read_json_object(path, _LONGEST, missing)


def _is_results(path: Path) -> bool:
    folds = any(p.is_dir() for p in path.glob("fold_*"))
    return folds or ((path / PLANS).is_file() and (path / DATASET).is_file())


def _below(path: Path) -> list[Path]:
    return [p for p in sorted(path.glob("*__*__*")) if p.is_dir() and _is_results(p)]


def _checkpoint(folder: Path, fold: str) -> Path:
    name = next((c for c in CHECKPOINTS if (folder / fold / c).is_file()), CHECKPOINTS[0])
    return inside(folder, Path(fold) / name)
