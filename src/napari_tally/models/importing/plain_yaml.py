"""Read YAML of others as plain values: no objects, and of limited size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core.errors import FileError, ModelError, printable

_LONGEST = 2**20  # bytes
_MOST = 100_000  # values


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file.

    Raises
    ------
    ModelError
        If it is damaged, too large, or more than plain values.
    """
    import yaml

    try:
        if path.stat().st_size > _LONGEST:
            raise ModelError(f"{path} has {path.stat().st_size:,} bytes, which is no description")
        found = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except RecursionError:
        raise ModelError(f"{path} is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8: {error.reason}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ModelError(f"{path} is not valid YAML: {printable(str(error))}") from None
    _check_size(found, path)
    return found


def _check_size(content: Any, path: Path) -> None:
    """Refuse content whose aliases, of which a few lines suffice, stand for billions of values."""
    waiting, count = [content], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > _MOST:
            raise ModelError(f"{path} stands for more than {_MOST:,} values: it is no description")
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
