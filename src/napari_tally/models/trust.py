"""Files that can run code, and which of them the user trusts: kept by their SHA-256."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import platformdirs

from ..core.atomic import write_text
from ..core.errors import FileError, ModelError
from ..files.run_record import sha256_file

VARIABLE = "TALLY_CONFIG"
MEANING = (
    "Trusting a file means that the code in it may do all that you can do: read, change and delete "
    "your files, and use the network"
)


class UntrustedError(ModelError):
    """A file that can run code, which the user has not trusted.

    Attributes
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        super().__init__(
            f"{path} is {what}, which can hold code, and is not trusted. {MEANING}",
            hint="If you know where it is from, trust it with --trust (trust=True in Python)",
        )


def trusted_list() -> Path:
    """Return the path of the list of trusted files, which may not exist yet."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser() / "trusted.json"
    return Path(platformdirs.user_config_dir("napari-tally", appauthor=False)) / "trusted.json"


def is_trusted(sha256: str) -> bool:
    """Return whether the user trusted a file with this checksum."""
    return sha256 in _listed()


def trust(path: Path) -> str:
    """Trust a file from now on, wherever it lies; return its SHA-256.

    Raises
    ------
    FileError
        If it cannot be read, or the list cannot be written.
    """
    sha256 = sha256_file(path)
    listed = _listed()
    if sha256 not in listed:
        listed[sha256] = path.name
        write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", trusted_list())
    return sha256


def check_trusted(path: Path, what: str, *, trusting: bool = False) -> None:
    """Refuse a file that can run code, unless the user trusts it, now or since before.

    Parameters
    ----------
    what : str
        Its format, with its article: "a TorchScript file".

    Raises
    ------
    UntrustedError
        If it is not trusted; the sentence says what trusting means.
    """
    if trusting:
        trust(path)
    elif not is_trusted(sha256_file(path)):
        raise UntrustedError(path, what)


def _listed() -> dict[str, Any]:
    """Return the names of trusted files by their checksum.

    Raises
    ------
    FileError
        If the list is damaged: it is not to be replaced by a shorter one.
    """
    path = trusted_list()
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise FileError(
            f"{path}, the list of files that you trust, is damaged", hint="Delete or repair it"
        ) from error
    if not isinstance(found, dict):
        raise FileError(f"{path} is no list of trusted files", hint="Delete or repair it")
    return found
