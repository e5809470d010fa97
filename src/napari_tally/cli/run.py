"""Run commands: errors as sentences and exit codes, steps as a progress bar."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer

from ..core.escaped import escaped
from ..core.failures import explained, foreseen
from .signals import check_stopped, exit_code

if TYPE_CHECKING:
    from ..core.progress import Step

FAILED, USAGE = 1, 2
_after_the_result: list[str] = []  # notes about the single input of a command


def say(text: str, err: bool = False) -> None:
    """Print text that may hold names of files and words of others, to stdout or stderr."""
    typer.echo(escaped(text), err=err)


class failing:
    """Print any error as a sentence, and exit."""

    code = FAILED

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, KeyboardInterrupt):
            say("Stopped. Finished results are kept.", err=True)
            raise typer.Exit(exit_code(error)) from None
        if isinstance(error, BrokenPipeError) and error.filename is None:
            discard_output()  # `tally info a.tif | head -1`
            raise typer.Exit(FAILED) from None
        if isinstance(error, Exception) and not _is_exit(error):
            with suppress(OSError):  # stderr is closed, or a full disk
                say(f"tally: {explained(error, ' '.join(sys.argv))}", err=True)
            raise typer.Exit(self.code if foreseen(error) else FAILED) from None


def _is_exit(error: Exception) -> bool:
    """Return whether an exception is how typer ends a command."""
    return isinstance(error, typer.Exit | typer.Abort) or hasattr(error, "exit_code")


def discard_output() -> None:
    """Drop what stdout still holds and cannot write, which Python would try again at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class usage(failing):
    """Exit with 2: the arguments are invalid."""

    code = USAGE


def about(path: object, message: str) -> str:
    """Return a message with the path in front, unless it begins with the path already."""
    return message if message.startswith(f"{path} ") else f"{path}: {message}"


def write(console: Any, note: str) -> None:
    """Print a note on a line of its own."""
    console.print(escaped(f"{note}."), markup=False, highlight=False, soft_wrap=True)


def write_notes() -> None:
    """Print the notes that follow a result."""
    if not _after_the_result:
        return
    from rich.console import Console

    console = Console(stderr=True)
    while _after_the_result:
        write(console, _after_the_result.pop(0))


def collect_garbage_again() -> None:
    """Enable the garbage collection that `__main__` disabled, without what was imported."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


@contextmanager
def preparing(bar: Any = None, quiet: bool = False) -> Iterator[None]:
    """Show how far numerical code is compiled: a line that changes, or one where none can."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from ..core.preparation import STAGE, listening

    if bar is None:
        own = Progress(TextColumn("{task.description}"), console=Console(stderr=True))
        with own, preparing(own):
            yield
        return
    tasks: list[Any] = []

    def show(done: int, total: int) -> None:
        if not tasks:
            tasks.append(bar.add_task("", total=total))
            if not (quiet or bar.console.is_terminal):
                bar.console.print(f"{STAGE}: {total} functions.", soft_wrap=True)
        text = f"{STAGE}: {done} of {total}"
        bar.update(tasks[0], description=text, completed=done, visible=done < total)

    with listening(show):
        yield


def with_bar(steps: Any, count: int, quiet: bool, whole: str = "files") -> Any:
    """Run steps with a progress bar on stderr; each note is printed once.

    Notes about a single input follow its result, those of a batch appear as they come.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ..core.progress import drain

    console = Console(stderr=True)
    noted: set[str] = set()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=console, transient=True, disable=quiet) as bar,
        preparing(bar, quiet),
    ):
        overall = bar.add_task(whole, total=count)
        part = bar.add_task("", total=1)

        def show(step: Step) -> None:
            check_stopped()
            collect_garbage_again()
            if step.stage == whole:
                bar.update(overall, completed=step.done, total=step.total)
            else:
                total = step.total or None
                bar.update(part, description=step.stage, completed=step.done, total=total)
            if step.note and step.note not in noted:
                noted.add(step.note)
                if count == 1 and whole == "files":
                    _after_the_result.append(step.note)
                else:
                    write(console, step.note)

        return drain(steps, show)
