"""Ctrl+C and the signals that end a process: all stop the work in the same orderly way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_asked: list[int] = []


class Stopped(KeyboardInterrupt):
    """The process was asked to end.

    Parameters
    ----------
    number : int
        The signal.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.number = number


def handle_signals() -> None:
    """Raise `Stopped` where one of the signals arrives, unless this process ignores it."""
    _asked.clear()
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _stop_in(os.getpid()))


def check_stopped() -> None:
    """Raise `Stopped` if it got lost: callbacks of C code swallow exceptions."""
    if _asked:
        raise Stopped(_asked[0])


def exit_code(error: KeyboardInterrupt) -> int:
    """Return the exit code that shells expect: 130 for Ctrl+C, 143 for SIGTERM."""
    return 128 + getattr(error, "number", signal.SIGINT)


def _stop_in(process: int) -> Callable[[int, FrameType | None], None]:
    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            os._exit(128 + number)  # a forked worker
        _asked.append(number)
        raise Stopped(number)

    return stop
