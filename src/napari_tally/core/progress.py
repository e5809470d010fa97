"""Long work is a generator: it yields a `Step` after every piece and returns its result."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """How far a stage of the work has come.

    Attributes
    ----------
    stage : str
        What is being done, in the imperative ("run the network").
    done, total : int
        Pieces done and pieces in all; `total` is 0 where it is not known.
    note : str
        Something that the user should be told once, or "".
    """

    stage: str
    done: int
    total: int
    note: str = ""


Steps = Generator[Step, None, T]


def drain(steps: Steps[T], on_step: Callable[[Step], None] | None = None) -> T:
    """Run `steps` to its end, show each step to `on_step`, and return its result.

    Whatever ends it before, such as an interrupt from the keyboard, closes `steps` at once.
    """
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if on_step is not None:
                on_step(step)
    finally:
        steps.close()
