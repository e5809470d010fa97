"""Whose the outputs of a run are until all of them are there.

A run that is killed leaves its claim beside its outputs. The same run then replaces them, while
outputs that others have made are kept. Two runs cannot claim the same outputs at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..core.atomic import keeping
from ..core.errors import FileError
from ..core.file_lock import lock
from ..core.part_folder import LOCK, sweep


@dataclass
class Claim:
    """The outputs that a run will write, the last of which marks them as complete.

    Attributes
    ----------
    outputs : sequence of Path
    foreign : tuple of Path
        Those that were there before the run: they are replaced by the same content only.
    """

    outputs: Sequence[Path]
    foreign: tuple[Path, ...]
    run: str
    file: IO[str]
    started: bool = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write the outputs within this block."""
        self.started = True
        self._note(json.dumps({"run": self.run, "foreign": [path.name for path in self.foreign]}))
        if self.outputs[-1] not in self.foreign:
            self.outputs[-1].unlink(missing_ok=True)
        with keeping(self.foreign):
            yield
        self._note("")

    def give_up(self, kept: Collection[Path]) -> None:
        """Remove what was written, unless all of it was."""
        if not self.started:
            return
        last = self.outputs[-1]
        if last in self.foreign or not last.exists():
            for path in set(self.outputs) - set(self.foreign) - set(kept):
                with suppress(OSError):
                    path.unlink()
        self._note("")

    def _note(self, text: str) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.file.write(text)
        self.file.flush()
        os.fsync(self.file.fileno())


@contextmanager
def claimed(
    outputs: Sequence[Path],
    run: Mapping[str, Any],
    *,
    ours: Collection[Path] = (),
    overwrite: bool = False,
) -> Iterator[Claim]:
    """Claim outputs for a run; if it fails, those that it has written are removed.

    Parameters
    ----------
    outputs : sequence of Path
        All files of the run in one folder, in the order in which they are written.
    run : mapping
        What identifies the run: input, model, options.
    ours : collection of Path
        Outputs that are known to be of this run.
    overwrite : bool
        Whether outputs of others are replaced.

    Raises
    ------
    FileError
        If another run is writing them, or the folder cannot be written.
    """
    last = outputs[-1]
    with locked(_path(last), f"{last} is being written by another run") as file:
        sweep(last.parent)
        there = [path for path in outputs if os.path.lexists(path)]
        claim = _resumed(outputs, run, file)
        if claim is None:
            foreign = () if overwrite else [p for p in there if p not in ours]
            claim = Claim(outputs, tuple(foreign), _key(run), file)
        try:
            yield claim
        except BaseException:
            claim.give_up(there if overwrite else ())
            raise


def is_claimed(outputs: Sequence[Path]) -> bool:
    """Return whether a run is writing these outputs, or was killed while it did."""
    return _path(outputs[-1]).exists()


def forget_claim(outputs: Sequence[Path]) -> None:
    """Remove what a run has left that was killed when all its outputs were there."""
    if is_claimed(outputs):
        with locked(_path(outputs[-1]), f"{outputs[-1]} is being written by another run") as file:
            file.truncate(0)
    sweep(outputs[-1].parent)


@contextmanager
def locked(path: Path, problem: str) -> Iterator[IO[str]]:
    """Hold a file that only one process can hold; it is removed at the end if it is empty.

    So is its folder, if it was not there before.

    Raises
    ------
    FileError
        With the `problem` if another process holds it, or if the folder cannot be written.
    """
    made = not path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _opened(path)
    except BlockingIOError:
        raise FileError(problem, hint="Wait until it ends") from None
    except OSError as error:
        raise FileError(f"{path.parent} cannot be written: {error.strerror or error}") from error
    with file:
        try:
            yield file
        finally:
            with suppress(OSError):
                if not os.fstat(file.fileno()).st_size:
                    path.unlink()
                if made:
                    path.parent.rmdir()  # if nothing was written to it


def _opened(path: Path) -> IO[str]:
    """Open a file and lock it; the lock ends with the process."""
    while True:
        try:
            file = path.open("a+", encoding="utf-8")
        except FileNotFoundError:
            path.parent.mkdir(
                parents=True, exist_ok=True
            )  # a run beside this one has just removed it
            continue
        try:
            lock(file.fileno())
        except BlockingIOError:
            file.close()
            raise
        except OSError:
            return file  # without locks, nobody is kept out
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return file
        file.close()  # its former holder has just removed it


def _path(last: Path) -> Path:
    """Return a short hidden name beside an output."""
    name = hashlib.sha256(os.fsencode(last.name)).hexdigest()[:16]
    return last.with_name(f"{LOCK}{name}")


def _resumed(outputs: Sequence[Path], run: Mapping[str, Any], file: IO[str]) -> Claim | None:
    """Return the claim of the same run that was killed."""
    file.seek(0)
    try:
        held = json.loads(file.read())
        names = set(held["foreign"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None  # killed before it wrote anything
    if held["run"] != _key(run):
        return None
    return Claim(outputs, tuple(p for p in outputs if p.name in names), held["run"], file)


def _key(run: Mapping[str, Any]) -> str:
    text = json.dumps(run, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
