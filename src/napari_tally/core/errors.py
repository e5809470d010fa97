"""Errors that say what was needed, what was got and what to try."""

from __future__ import annotations

from pydantic import ValidationError


class TallyError(Exception):
    """Base of all errors that a user can act on.

    Parameters
    ----------
    needed : str
        What the operation needs, as the start of a sentence.
    got : str
        What it was given instead.
    hint : str, optional
        What to try, as a whole sentence without its full stop.
    """

    def __init__(self, needed: str, got: str, hint: str = "") -> None:
        self.needed, self.got, self.hint = needed, got, hint
        text = f"{needed}; got {got}."
        super().__init__(f"{text} {hint}." if hint else text)


class InputError(TallyError, ValueError):
    """An image, a label image or a quantity that cannot be worked on as it is."""


class FileError(TallyError, OSError):
    """A file that cannot be read or written."""

    # OSError's own __str__ expects errno arguments.
    def __str__(self) -> str:
        return str(self.args[0])


class ModelError(TallyError, ValueError):
    """A model folder that is incomplete, inconsistent or not trusted."""


class OutputExistsError(FileError):
    """An output that exists already and was not made by the same run."""


def sentence(error: BaseException) -> str:
    """Say any error in one line, without a traceback."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]).replace("_", " ").capitalize()
        return f"{where}: {first.get('ctx', {}).get('error', first['msg'])}"
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, MemoryError):
        told = "" if text == type(error).__name__ else f" ({text})"
        return f"There is not enough memory{told}. Try a part of the image, or close other programs"
    return text if isinstance(error, TallyError) else f"{type(error).__name__}: {text}"
