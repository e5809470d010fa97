"""Steps are shown, and the result comes out at the end."""

import pytest

from napari_tally.core.errors import InputError, sentence
from napari_tally.core.progress import Step, drain


def test_drain_shows_every_step_and_returns_the_result() -> None:
    def work():
        yield Step("a", 1, 2)
        yield Step("a", 2, 2)
        return 42

    steps = []
    assert drain(work(), steps.append) == 42
    assert [s.done for s in steps] == [1, 2]


def test_errors_are_one_sentence() -> None:
    error = InputError("A dog is not a cat", hint="Try meow")
    assert sentence(error) == "A dog is not a cat. Try meow."
    assert sentence(ValueError("two\nlines")) == "ValueError: two lines"


def test_an_interrupt_closes_the_work_at_once() -> None:
    closed = []

    def steps():
        try:
            yield Step("a", 0, 1)
        finally:
            closed.append(True)

    def interrupt(step: Step) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drain(steps(), interrupt)
    assert closed
