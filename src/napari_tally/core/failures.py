"""What fails is one sentence: of one input the others are done, of a bug the traceback is kept.

Tracebacks go to `tally.log` beside the outputs; a front end says where that is with `keep_log`.
"""

from __future__ import annotations

import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from .errors import TallyError, sentence
from .escaped import escaped

if TYPE_CHECKING:
    from types import TracebackType

LOG = "tally.log"
_writing = threading.Lock()  # inputs side by side share the log
_FORESEEN = (TallyError, MemoryError, ValidationError)


@dataclass
class _Tracebacks:
    """Where tracebacks go: into a folder, to stderr, or nowhere."""

    folder: Path | None = None
    shown: bool = False


_tracebacks = _Tracebacks()


def keep_log(folder: Path | None) -> None:
    """Let tracebacks of unforeseen errors go to `tally.log` in a folder, made when it is needed."""
    _tracebacks.folder = folder


def show_tracebacks(shown: bool) -> None:
    """Print every traceback to stderr as well, or no longer."""
    _tracebacks.shown = shown


class Attempt:
    """Work on one input; whatever goes wrong ends the work on this input alone.

    Attributes
    ----------
    error : Exception, optional
        What went wrong.
    message : str
        The same as a sentence, "" if all went well.

    Examples
    --------
    >>> with Attempt("a.tif") as attempt:
    ...     raise TallyError("a.tif is damaged")
    >>> attempt.message
    'a.tif is damaged.'
    """

    def __init__(self, what: object) -> None:
        self.what = what
        self.error: Exception | None = None
        self.message = ""

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType
    ) -> bool:
        if not isinstance(error, Exception):
            return False  # nothing, or the user stopped it
        self.error, self.message = error, explained(error, self.what)
        _release(error)
        return True


def foreseen(error: BaseException) -> bool:
    """Return whether an error is one that its message explains."""
    return isinstance(error, _FORESEEN)


def explained(error: BaseException, what: object = "") -> str:
    """Return an error as a sentence; the traceback of one that nobody foresaw goes to the log."""
    text = "".join(traceback.format_exception(error))
    if _tracebacks.shown:
        sys.stderr.write(escaped(text))
    if foreseen(error):
        return sentence(error)
    return f"{sentence(error).rstrip('.')}. {_kept(text, what)}."


def _kept(text: str, what: object) -> str:
    """Add a traceback to the log, and return where it is."""
    folder = _tracebacks.folder
    if folder is not None:
        with _writing, suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / LOG).open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {escaped(str(what))}\n")
                log.write(f"{escaped(text)}\n")
            return f"The traceback is in {folder / LOG}"
    return "Show the traceback with tally --debug"


def _release(error: BaseException | None) -> None:
    """Free what the frames of an error hold: images, of every input that failed."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
