"""Whatever goes wrong with one input is a sentence, and the traceback of a bug is kept."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.failures import LOG, Attempt, keep_log, show_tracebacks


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    yield
    keep_log(None)
    show_tracebacks(False)


def test_an_expected_error_is_its_own_sentence_without_a_log(tmp_path: Path) -> None:
    keep_log(tmp_path / "out")
    with Attempt("a.tif") as attempt:
        raise InputError("a.tif is empty", hint="Give another")
    assert attempt.message == "a.tif is empty. Give another."
    assert not (tmp_path / "out").exists()


def test_the_traceback_of_a_bug_is_in_a_log_beside_the_outputs(tmp_path: Path) -> None:
    keep_log(tmp_path / "out")
    for name in ("a.tif", "\x1b[2J\udce9.tif"):
        with Attempt(name) as attempt:
            raise KeyError("shape")
    assert attempt.message == f"KeyError: 'shape'. The traceback is in {tmp_path / 'out' / LOG}."
    log = (tmp_path / "out" / LOG).read_text("utf-8")
    assert log.count("Traceback (most recent call last)") == 2
    assert r"\x1b[2J\xe9.tif" in log and "test_failures.py" in log


def test_without_a_folder_the_message_says_how_to_see_it(capsys: pytest.CaptureFixture) -> None:
    with Attempt("a") as attempt:
        raise ZeroDivisionError("0")
    assert attempt.message.endswith("Show the traceback with tally --debug.")
    assert not capsys.readouterr().err
    show_tracebacks(True)
    with Attempt("a"):
        raise InputError("known")
    assert "Traceback" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keep_log(tmp_path / "file")
    with Attempt("a") as attempt:
        raise RuntimeError("odd")
    assert attempt.message.startswith("RuntimeError: odd")


def test_the_user_can_stop_it() -> None:
    with pytest.raises(KeyboardInterrupt), Attempt("a"):
        raise KeyboardInterrupt


def test_a_failed_input_is_not_kept_in_memory() -> None:
    def fail() -> None:
        image = np.zeros(3)
        known.append(weakref.ref(image))
        raise ValueError("bad")

    known: list[weakref.ref] = []
    with Attempt("a") as attempt:
        try:
            fail()
        except ValueError as error:
            raise RuntimeError("cannot be read") from error
    gc.collect()
    assert attempt.error is not None and known[0]() is None
