"""Work on several inputs at once: each generator runs in a thread, results keep their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Full, Queue
from threading import Event
from typing import TypeVar

from .progress import Step, Steps, drain

T = TypeVar("T")
Work = Callable[[], Steps[T]]

_AHEAD = 8  # reports that wait for the consumer; then the threads wait, too
_POLL_S = 0.2  # waits end this often: on Windows, Ctrl+C does not interrupt them


def side_by_side_steps(works: Sequence[Work[T]], at_once: int, stage: str) -> Steps[list[T]]:
    """Run works, `at_once` of them at a time, and return their results in order.

    Yields the steps of the first work that is not finished, the notes of the others when it is
    their turn, and a step of `stage` after each work. If the generator is closed, works end at
    their next step, and no thread is left. What a work raises is raised here.
    """
    if min(at_once, len(works)) < 2:
        return (yield from _one_by_one_steps(works, stage))
    return (yield from _threaded_steps(works, at_once, stage))


def _one_by_one_steps(works: Sequence[Work[T]], stage: str) -> Steps[list[T]]:
    results: list[T] = []
    for work in works:
        results.append((yield from work()))
        yield Step(stage, len(results), len(works))
    return results


def _threaded_steps(works: Sequence[Work[T]], at_once: int, stage: str) -> Steps[list[T]]:
    reports, results = _Reports(), list[T]()
    finished: set[int] = set()
    notes: dict[int, list[Step]] = {}
    pool = ThreadPoolExecutor(at_once, "side-by-side")
    futures = [pool.submit(reports.run, number, work) for number, work in enumerate(works)]
    try:
        for first, future in enumerate(futures):
            yield from notes.pop(first, ())
            while first not in finished:
                number, step = reports.next()
                if step is None:
                    finished.add(number)
                elif number == first:
                    yield step
                elif step.note:
                    notes.setdefault(number, []).append(step)
            results.append(future.result())
            yield Step(stage, len(results), len(works))
    finally:
        reports.closed.set()
        pool.shutdown(cancel_futures=True)
    return results


class _Closed(BaseException):
    """The consumer has closed the generator: the work ends."""


class _Reports:
    """Steps of works by their number, on their way to the consumer; None once one is finished."""

    def __init__(self) -> None:
        self.queue: Queue[tuple[int, Step | None]] = Queue(_AHEAD)
        self.closed = Event()

    def run(self, number: int, work: Work[T]) -> T:
        """Run a work, in a thread."""
        try:
            return drain(work(), lambda step: self._put(number, step))
        finally:
            self._put(number, None)

    def next(self) -> tuple[int, Step | None]:
        """Return the next report."""
        while True:
            try:
                return self.queue.get(timeout=_POLL_S)
            except Empty:
                continue

    def _put(self, number: int, step: Step | None) -> None:
        while not self.closed.is_set():
            try:
                return self.queue.put((number, step), timeout=_POLL_S)
            except Full:
                continue
        raise _Closed
