"""Long work is a generator: it yields a `Step` at a time and returns its result."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """Progress within a stage of the work.

    Attributes
    ----------
    stage : str
        What is being done, in the imperative ("run the network").
    done, total : int
        Units of work done and in total; `total` is 0 if unknown.
    note : str
        A note to show to the user once, or "".
    """

    stage: str
    done: int
    total: int
    note: str = ""


Steps = Generator[Step, None, T]


def drain(steps: Steps[T], on_step: Callable[[Step], None] | None = None) -> T:
    """Run `steps` to the end, pass each step to `on_step`, and return the result.

    If anything interrupts it, such as Ctrl+C, `steps` is closed at once.
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
