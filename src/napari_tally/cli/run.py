"""How commands run: errors become sentences and exit codes, steps a progress bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from ..core.errors import TallyError, sentence

if TYPE_CHECKING:
    from ..core.progress import Step

FAILED, USAGE = 1, 2


class failing:
    """Turn an error that a user can act on into a sentence and an exit code."""

    code = FAILED

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, TallyError | MemoryError | ValidationError):
            typer.echo(f"tally: {sentence(error)}", err=True)
            raise typer.Exit(self.code) from None


class usage(failing):
    """What was asked for makes no sense: exit 2."""

    code = USAGE


def with_bar(steps: Any, count: int, quiet: bool, whole: str = "files") -> Any:
    """Drain steps behind a progress bar on stderr; notes are printed above it, each once."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from ..core.progress import drain

    console = Console(stderr=True)
    noted: set[str] = set()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        all_of_them = bar.add_task(whole, total=count)
        part = bar.add_task("", total=1)

        def show(step: Step) -> None:
            if step.stage == whole:
                bar.update(all_of_them, completed=step.done, total=step.total)
            else:
                total = step.total or None
                bar.update(part, description=step.stage, completed=step.done, total=total)
            if step.note and step.note not in noted:
                noted.add(step.note)
                bar.console.print(f"{step.note}.", markup=False, highlight=False, soft_wrap=True)

        return drain(steps, show)
