"""Works run side by side, and come out as if they had run one after the other."""

import gc
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial

import pytest

from napari_tally.core.progress import Step, Steps, drain
from napari_tally.core.side_by_side import side_by_side_steps


def threads() -> int:
    return sum(t.name.startswith("side-by-side") for t in threading.enumerate())


def work(number: int, pause_s: float = 0.0, note: str = "") -> Steps[int]:
    yield Step("begin", number, 0, note)
    time.sleep(pause_s)
    yield Step("end", number, 0)
    return number


def steps_of(works: list[Callable[[], Steps[int]]], at_once: int) -> tuple[list[int], list[Step]]:
    seen: list[Step] = []
    return drain(side_by_side_steps(works, at_once, "files"), seen.append), seen


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_results_and_steps_are_in_order_although_the_first_work_is_the_slowest(at_once) -> None:
    works = [partial(work, n, 0.05 * (n == 0), f"note {n}") for n in range(6)]
    results, steps = steps_of(works, at_once)
    assert results == list(range(6))
    assert [s.done for s in steps if s.stage == "files"] == [1, 2, 3, 4, 5, 6]
    assert [s.note for s in steps if s.note] == [f"note {n}" for n in range(6)]
    before = [[s.done for s in steps].index(n) for n in range(6)]
    assert before == sorted(before)
    assert threads() == 0


def test_two_works_run_at_the_same_time_but_no_third() -> None:
    running, most = [0], [0]
    meeting = threading.Barrier(2, timeout=10)

    def meet(number: int) -> Steps[int]:
        running[0] += 1
        most[0] = max(most[0], running[0])
        meeting.wait()
        yield Step("met", number, 0)
        running[0] -= 1
        return number

    assert steps_of([partial(meet, n) for n in range(6)], 2)[0] == list(range(6))
    assert most == [2]


@pytest.mark.parametrize("after", [0, 1])
def test_an_error_of_a_work_ends_all(after: int) -> None:
    def broken() -> Steps[int]:
        for _ in range(after):
            yield Step("begin", 0, 0)
        raise ZeroDivisionError("broken")

    with pytest.raises(ZeroDivisionError, match="broken"):
        steps_of([partial(work, 0), broken, *(partial(work, n) for n in range(50))], 2)
    assert threads() == 0


def test_closing_ends_the_works_at_their_next_step_and_starts_no_other() -> None:
    begun, closed = [], []

    def endless(number: int) -> Steps[int]:
        begun.append(number)
        try:
            while True:
                yield Step("on and on", number, 0)
        finally:
            closed.append(number)

    steps = side_by_side_steps([partial(endless, n) for n in range(5)], 2, "files")
    while len(begun) < 2:
        next(steps)
    steps.close()
    assert sorted(closed) == sorted(begun) == [0, 1]
    assert threads() == 0


def test_works_wait_for_a_consumer_that_pauses() -> None:
    made = [0]

    def many() -> Steps[int]:
        for number in range(10_000):
            made[0] += 1
            yield Step("many", number, 0)
        return 0

    steps = side_by_side_steps([many, many], 2, "files")
    next(steps)
    time.sleep(0.3)
    assert made[0] < 100
    steps.close()


def test_what_finished_works_held_is_free() -> None:
    class Image:
        pass

    alive: weakref.WeakSet[Image] = weakref.WeakSet()
    most = [0]

    def hold(number: int) -> Steps[int]:
        image = Image()
        alive.add(image)
        most[0] = max(most[0], len(alive))
        yield Step("hold", number, 0)
        return number

    steps_of([partial(hold, n) for n in range(30)], 2)
    gc.collect()
    assert most[0] <= 2
    assert len(alive) == 0
