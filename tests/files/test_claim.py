"""Half a run is completed by the same run; outputs of others are kept."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from napari_tally.core.atomic import write_text
from napari_tally.core.errors import FileError, OutputExistsError
from napari_tally.files.claim import claimed, forget_claim, is_claimed, locked

RUN, OTHER = {"threshold": 0.5}, {"threshold": 0.8}


def outputs(folder: Path) -> list[Path]:
    return [folder / "a.csv", folder / "a_run.json"]


def run(folder: Path, options: dict[str, float] = RUN, *, killed: bool = False, **how) -> None:
    """Write two outputs, or be killed between them."""
    with claimed(outputs(folder), options, **how) as claim, claim.writing():
        write_text(f"{options}", folder / "a.csv")
        if killed:
            os._exit(9)
        write_text("whole", folder / "a_run.json")


def killed(folder: Path, options: dict[str, float] = RUN) -> None:
    """Be killed between the outputs, in a process of its own."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            run(folder, options, killed=True)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_whole_run_leaves_its_outputs_alone(tmp_path: Path) -> None:
    run(tmp_path)
    assert names(tmp_path) == {"a.csv", "a_run.json"}


def test_half_a_run_is_completed_whatever_it_wrote(tmp_path: Path) -> None:
    killed(tmp_path)
    assert is_claimed(outputs(tmp_path))
    (tmp_path / "a.csv").write_text("the same within rounding")
    run(tmp_path)
    assert (tmp_path / "a.csv").read_text() == f"{RUN}"
    assert names(tmp_path) == {"a.csv", "a_run.json"}


def test_another_run_does_not_replace_half_a_run_unasked(tmp_path: Path) -> None:
    killed(tmp_path)
    with pytest.raises(OutputExistsError, match=r"a\.csv exists already"):
        run(tmp_path, OTHER)
    assert (tmp_path / "a.csv").read_text() == f"{RUN}"
    run(tmp_path, OTHER, overwrite=True)
    assert (tmp_path / "a.csv").read_text() == f"{OTHER}"


def test_files_of_others_are_kept_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    (tmp_path / "a_run.json").write_text("my notes")
    with pytest.raises(OutputExistsError, match=r"a_run.json exists already.*--overwrite"):
        run(tmp_path)
    assert names(tmp_path) == {"a_run.json"}
    assert (tmp_path / "a_run.json").read_text() == "my notes"


def test_files_of_others_are_kept_when_a_killed_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a_run.json").write_text("my notes")
    killed(tmp_path)
    with pytest.raises(OutputExistsError):
        run(tmp_path)
    assert (tmp_path / "a_run.json").read_text() == "my notes"


def test_outputs_without_a_claim_that_are_what_the_run_gives_are_completed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{RUN}")
    run(tmp_path)
    assert names(tmp_path) == {"a.csv", "a_run.json"}


def test_a_run_that_fails_removes_what_it_wrote(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        claimed(outputs(tmp_path), RUN) as claim,
        claim.writing(),
    ):
        write_text("half", tmp_path / "a.csv")
        raise KeyboardInterrupt
    assert not names(tmp_path)


def test_two_runs_cannot_write_the_same_outputs(tmp_path: Path) -> None:
    taken = pytest.raises(FileError, match=r"a_run.json is being written by another run\. Wait")
    with claimed(outputs(tmp_path), RUN), taken:
        run(tmp_path)
    run(tmp_path)


def test_what_a_finished_run_left_is_forgotten(tmp_path: Path) -> None:
    run(tmp_path)
    with locked(tmp_path / "lock", "taken"):
        assert "lock" in names(tmp_path)
    killed(tmp_path / "b")
    forget_claim(outputs(tmp_path / "b"))
    assert names(tmp_path / "b") == {"a.csv"}
