"""Read JSON of others: an object of limited size, or a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import FileError, ModelError


def read_json_object(path: Path, longest: int, missing: str = "") -> dict[str, Any]:
    """Return the content of a file that holds a JSON object.

    Parameters
    ----------
    longest : int
        Most bytes that it may have.
    missing : str
        What to say if there is no such file.

    Raises
    ------
    ModelError
        If it is missing, too large, damaged, or something else.
    FileError
        If it cannot be read.
    """
    try:
        if path.stat().st_size > longest:
            raise ModelError(f"{path} has {path.stat().st_size:,} bytes, which is no description")
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        if missing and isinstance(error, FileNotFoundError):
            raise ModelError(missing) from None
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except RecursionError:
        raise ModelError(f"{path} is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8: {error.reason}") from error
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} must hold a JSON object, not a {type(found).__name__}")
    return found
