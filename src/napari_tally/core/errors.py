"""Errors that state the problem, with the value, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pydantic import ValidationError

_LONGEST = 2000  # characters of a message: some libraries quote what they could not read


class TallyError(Exception):
    """Base of all errors that a user can act on.

    Parameters
    ----------
    problem : str
        What is wrong, with the value, as a sentence without its full stop: "Spacing must be
        positive, not (0, 1)".
    hint : str, optional
        What to do, as a sentence without its full stop: "Set it with --spacing, such as 0.5um".
    """

    def __init__(self, problem: str, *, hint: str = "") -> None:
        self.problem, self.hint = problem, hint
        super().__init__(f"{problem}. {hint}." if hint else f"{problem}.")


class InputError(TallyError, ValueError):
    """An image, a label image or a quantity that cannot be processed."""


class FileError(TallyError, OSError):
    """A file that cannot be read or written."""

    # OSError's own __str__ expects errno arguments.
    def __str__(self) -> str:
        return str(self.args[0])


class ModelError(TallyError, ValueError):
    """A model folder that is incomplete, inconsistent or not trusted."""


class UnknownOutputsError(ModelError):
    """A network whose outputs have a form that is not recognized; the user can state it."""


class OutputExistsError(FileError):
    """An existing output that another run wrote."""


def unknown_name(noun: str, name: str, known: Iterable[str]) -> InputError:
    """Return the error about a name that does not exist, with the nearest one that does.

    Examples
    --------
    >>> print(unknown_name("head", "flwo", ["flow", "center"]))
    There is no head 'flwo'. Did you mean 'flow'? Available: flow, center.
    """
    names = list(known)
    near = get_close_matches(name.lower(), [n.lower() for n in names], 1)
    close = next((n for n in names if near and n.lower() == near[0]), "")
    hint = f"Did you mean {close!r}? " * bool(close) + f"Available: {', '.join(names) or 'none'}"
    return InputError(f"There is no {noun} {name!r}", hint=hint)


def printable(text: str, most: int = 160) -> str:
    """Return text as one short line, with escapes for what terminals would act on."""
    line = " ".join(text.split())
    line = line if len(line) <= most else f"{line[: most - 3]}..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def sentence(error: BaseException) -> str:
    """Return any error as one line, without a traceback."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]).replace("_", " ").capitalize()
        return f"{where}: {first.get('ctx', {}).get('error', first['msg'])}"
    text = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
    if isinstance(error, MemoryError):
        detail = "" if text == type(error).__name__ else f" ({text})"
        return f"There is not enough memory{detail}. Crop the image, or close other programs"
    if isinstance(error, TallyError):
        return text
    return _of_system(error) or f"{type(error).__name__}: {text}"


def _of_system(error: BaseException) -> str:
    """Return an error of the operating system without its number."""
    if not isinstance(error, OSError) or not error.strerror:
        return ""
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "The working folder does not exist any more"
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
