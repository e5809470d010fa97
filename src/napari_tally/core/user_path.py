"""Paths as users type them: `~` is the home folder, and what no file can be called is refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .errors import InputError, printable


def user_path(path: str | os.PathLike[str]) -> Path:
    """Return a path with `~` or `~name` replaced by the home folder.

    Raises
    ------
    InputError
        If there is no such user, or no file can have this name.
    """
    text = os.fspath(path)
    if "\0" in text:
        raise InputError(f"A file name cannot contain a null character: {printable(text)}")
    try:
        found = Path(text).expanduser()
    except RuntimeError as error:
        raise InputError(
            f"There is no user of the name {Path(text).parts[0][1:]!r}, whose folder {text} is in",
            hint="Write ./ in front of a name that begins with ~",
        ) from error
    try:
        found.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(f"The name {printable(text)} is too long for a file") from error
    return found
