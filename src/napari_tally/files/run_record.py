"""The run record: input, model, options and versions of a run, as JSON beside the outputs."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import Any

from ..core.atomic import write_text
from ..core.errors import FileError
from ..core.escaped import all_escaped

_PACKAGES = (
    "napari-tally", "torch", "monai", "numpy", "scikit-image", "tifffile", "numba",
)  # fmt: skip
_MODEL_KEYS = ("name", "version", "sha256")


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files and their names, in hexadecimal.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    try:
        if path.is_dir():
            files = (p for p in path.rglob("*") if p.is_file())
            return _sha256_listed(sorted(files, key=by_parts), path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(f"{path} cannot be read ({reason})") from error


def sha256_files(paths: Sequence[Path]) -> str:
    """Return the SHA-256 of a file, or of several of one folder and their names."""
    return sha256_file(paths[0]) if len(paths) == 1 else _sha256_listed(paths, paths[0].parent)


def _sha256_listed(files: Sequence[Path], folder: Path) -> str:
    listed = [f"{sha256_file(p)} {p.relative_to(folder).as_posix()}" for p in files]
    text = "\n".join(listed)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def by_parts(path: PurePath) -> tuple[str, ...]:
    """Return a key that sorts paths alike on every system; Windows ignores case otherwise."""
    return path.parts


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write a run record as JSON.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    text = json.dumps(all_escaped(record), indent=2, ensure_ascii=False)
    write_text(text + "\n", path)


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a run record, None if it is missing or cannot be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def same_run(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether two records are of the same input, model and options.

    Date, device, duration and the input's name do not count. A record that lacks one of the three
    matches no other.
    """
    known = _identity(old)
    return all(part is not None for part in _flat(known)) and known == _identity(new)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that results depend on, if installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _identity(record: dict[str, Any]) -> dict[str, Any]:
    plain = json.loads(json.dumps(record))  # tuples become lists, as in a record that was read
    model, source = plain.get("model"), plain.get("input")
    model = model if isinstance(model, dict) else {}
    return {
        "options": plain.get("options"),
        "model": [model.get(key) for key in _MODEL_KEYS],
        "input": source.get("sha256") if isinstance(source, dict) else None,
    }


def _flat(identity: dict[str, Any]) -> list[Any]:
    return [identity["options"], *identity["model"], identity["input"]]
