"""Run commands: errors as sentences and exit codes, steps as a progress bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from ..core.errors import TallyError, sentence

if TYPE_CHECKING:
    from ..core.progress import Step

FAILED, USAGE = 1, 2


class failing:
    """Print an error that the user can act on as a sentence, and exit."""

    code = FAILED

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, TallyError | MemoryError | ValidationError):
            typer.echo(f"tally: {sentence(error)}", err=True)
            raise typer.Exit(self.code) from None


class usage(failing):
    """Exit with 2: the arguments are invalid."""

    code = USAGE


def about(path: object, message: str) -> str:
    """Return a message with the path in front, unless it begins with the path already."""
    return message if message.startswith(f"{path} ") else f"{path}: {message}"


def with_bar(steps: Any, count: int, quiet: bool, whole: str = "files") -> Any:
    """Run steps with a progress bar on stderr; each note is printed once, above the bar."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ..core.progress import drain

    console = Console(stderr=True)
    noted: set[str] = set()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        overall = bar.add_task(whole, total=count)
        part = bar.add_task("", total=1)

        def show(step: Step) -> None:
            if step.stage == whole:
                bar.update(overall, completed=step.done, total=step.total)
            else:
                total = step.total or None
                bar.update(part, description=step.stage, completed=step.done, total=total)
            if step.note and step.note not in noted:
                noted.add(step.note)
                bar.console.print(f"{step.note}.", markup=False, highlight=False, soft_wrap=True)

        return drain(steps, show)
