"""The run record beside each output: what was done, to what, by which model and versions."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..core.errors import FileError
from .atomic import replacing

PACKAGES = ("napari-tally", "torch", "monai", "numpy", "scikit-image", "tifffile", "numba")
_SAME = (("input", "sha256"), ("model",), ("options",))


def sha256_file(path: Path) -> str:
    """Return the checksum of a file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileError(f"A readable {path} is needed", error.strerror or str(error)) from error


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide on a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write a run record as JSON."""
    with replacing(path) as part:
        part.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a run record, or None if there is none that can be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def same_run(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two records are of the same input, model and options."""
    return all(_at(one, keys) == _at(other, keys) is not None for keys in _SAME)


def _at(record: dict[str, Any], keys: tuple[str, ...]) -> Any:
    value: Any = record
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
