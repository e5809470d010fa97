"""End commands at every write and rename, and run them again: `make killed`.

Each command runs in a fork of a process that has imported the package once. Python reports what a
process changes on the disk as audit events; a hook counts them and kills the process at a chosen
one. The same command must then succeed, give what a run gives that nobody killed, and leave nothing
else behind.
"""

from __future__ import annotations

import os

os.environ["NUMBA_THREADING_LAYER"] = "workqueue"  # which forks can use, unlike OpenMP
os.environ["NUMBA_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from fuzzing.run import End, imported, in_child, tally

from napari_tally import Volume, write

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "napari_tally.exchange")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# A finished model or report is not replaced unasked, and a run that was killed after it finished
# has finished.
COMPLETE = ("already holds a model", "exists already")
_DURATIONS = re.compile(
    rb"in \d+\.\d minutes|\d+% of the time"
    rb"|\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?(Z| UTC|[+-]\d\d:\d\d)?"
)


@dataclass(frozen=True)
class Case:
    """A command line, run in a folder with `images`, `labels` and what `before` makes.

    Attributes
    ----------
    finished : bool
        Whether the command refuses to run again once it is done.
    """

    name: str
    command: str
    before: str = ""
    finished: bool = False


QUICK = "--steps 2 --batch 2 --patch 16,16 --augmentation none --head boundary --device cpu"
CASES = (
    Case("segment", "segment images -o out --object-size 20px"),
    Case("segment xlsx", "segment images/a.tif -o out --object-size 20px --table xlsx"),
    Case(
        "segment over another run",
        "segment images/a.tif -o out --object-size 20px --overwrite",
        "segment images/a.tif -o out --object-size 30px",
    ),
    Case("measure", "measure labels --images images -o out --report out --outlines geojson"),
    Case("measure h5ad", "measure labels/a.tif -o out/t.h5ad"),
    Case("evaluate", "evaluate labels --ground-truth labels -o out", finished=True),
    Case("convert", "convert images/a.tif out/a.nii.gz"),
    Case("convert mhd", "convert images/a.tif out/a.mhd"),
    Case("convert zarr", "convert images/a.tif out/a.ome.zarr"),
    Case(
        "convert zarr over another",
        "convert images/a.tif out/a.ome.zarr --overwrite",
        "convert images/b.tif out/a.ome.zarr",
    ),
    Case(
        "tune",
        "tune images --ground-truth labels -o out/m --object-size 20px --folds 2 --sweeps 1",
        finished=True,
    ),
    Case(
        "train",
        f"train images --ground-truth labels -o out/m {QUICK} --kind instances --licence CC0-1.0",
        finished=True,
    ),
)


def draw(folder: Path) -> None:
    """Write four images with their labels."""
    labels = np.zeros((48, 48), np.uint8)
    for i in range(4):
        labels[4 + 22 * (i // 2) : 22 + 22 * (i // 2), 4 + 22 * (i % 2) : 22 + 22 * (i % 2)] = i + 1
    rng = np.random.default_rng(0)
    for name in "ab":
        noise = rng.integers(0, 40, labels.shape)
        image = (200 * (labels > 0) + noise).astype(np.uint16)
        write(Volume(image, "YX", (0.5, 0.5), "um"), folder / "images" / f"{name}.tif")
        write(Volume(labels, "YX", (0.5, 0.5), "um", is_labels=True), folder / f"labels/{name}.tif")


def counted(command: list[str], folder: Path, last: int = 0) -> None:
    """Run a command in this process, and kill it just before its change of that number.

    The number of changes is written beside the folder.
    """
    count = 0
    note = folder.with_suffix(".count")

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        if _is_change(event, args, folder):
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        tally(command)()
    finally:
        changes, last = count, 0
        note.write_text(str(changes))


def _is_change(event: str, args: tuple[object, ...], folder: Path) -> bool:
    if event == "open":
        path, _, flags = args
        writes = isinstance(flags, int) and flags & _WRITES
        if not writes or not isinstance(path, str | bytes):
            return False
    elif event in CHANGES:
        path = args[0]
        if event in ("os.remove", "os.rmdir") and args[-1] != -1:
            return True  # below an open folder
    else:
        return False
    return str(folder) in os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]


def content(folder: Path) -> dict[str, bytes]:
    """Return all that is in a folder, without durations and dates."""
    paths = (p for p in sorted(folder.rglob("*")) if not p.is_dir())
    found = {str(p.relative_to(folder)): _timeless(p) for p in paths}
    empty = (p for p in folder.rglob("*") if p.is_dir() and not any(p.iterdir()))
    return found | {str(p.relative_to(folder)): b"" for p in empty}


def _timeless(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".json":
        plain = json.loads(data)
        if isinstance(plain, dict):
            plain.pop("seconds", None)
            data = json.dumps(plain, indent=1).encode()
    if path.suffix == ".xlsx":
        with ZipFile(path) as book:
            data = b"".join(book.read(n) for n in book.namelist() if "core.xml" not in n)
    return _DURATIONS.sub(b"", data)


@dataclass(frozen=True)
class Whole:
    """A case with what it gives if nobody kills it."""

    case: Case
    start: Path
    content: dict[str, bytes]
    changes: int
    seconds: float

    @classmethod
    def of(cls, case: Case, number: int, drawn: Path, work: Path) -> Whole:
        start, whole = work / f"start_{number}", work / f"whole_{number}"
        shutil.copytree(drawn, start)
        if case.before:
            _succeeded(in_child(start, tally(case.before.split())), case.before)
        shutil.copytree(start, whole)
        end = in_child(whole, lambda: counted(case.command.split(), whole))
        _succeeded(end, case.command)
        changes = int(whole.with_suffix(".count").read_text())
        return cls(case, start, content(whole), changes, end.seconds)

    def faults(self, folder: Path, killed: End) -> Iterator[str]:
        """Run the command again where it was killed; yield what is wrong after it."""
        if killed.code not in (0, -signal.SIGKILL):
            yield f"was not killed, but ended with {killed.code}: {killed.output[-300:]}"
        end = in_child(folder, tally(self.case.command.split()))
        done = self.case.finished and any(text in end.output for text in COMPLETE)
        if end.code and not done:
            yield f"ends with {end.code}: {end.output[-300:]}"
        found = content(folder)
        if left := sorted(found.keys() - self.content.keys()):
            yield f"leaves {', '.join(left)}"
        if lost := sorted(self.content.keys() - found.keys()):
            yield f"lacks {', '.join(lost)}"
        if other := [n for n in found if n in self.content and found[n] != self.content[n]]:
            yield f"differs in {', '.join(other)}"


def _succeeded(end: End, command: str) -> None:
    if end.code:
        raise SystemExit(f"{command} ends with {end.code}: {end.output}")


def at_change(whole: Whole, number: int, work: Path) -> list[str]:
    """Kill a command at one of its changes, run it again, and return what is wrong."""
    folder = work / f"{whole.start.name}_{number}"
    shutil.copytree(whole.start, folder)
    command = whole.case.command.split()
    killed = in_child(folder, lambda: counted(command, folder, number))
    return _judged(whole, folder, killed, f"change {number} of {whole.changes}")


def at_moment(whole: Whole, number: int, work: Path) -> list[str]:
    """Kill a command at a random moment, run it again, and return what is wrong."""
    folder = work / f"{whole.start.name}_at_{number}"
    shutil.copytree(whole.start, folder)
    moment = random.Random(number).uniform(0, whole.seconds)

    def run() -> None:
        signal.setitimer(signal.ITIMER_REAL, moment)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        tally(whole.case.command.split())()

    killed = in_child(folder, run)
    if killed.code == -signal.SIGALRM:  # like SIGKILL: nothing of the process runs after it
        killed = End(-signal.SIGKILL, killed.seconds, killed.peak, killed.output)
    return _judged(whole, folder, killed, f"{moment:.2f} s of {whole.seconds:.2f}")


def _judged(whole: Whole, folder: Path, killed: End, where: str) -> list[str]:
    faults = [f"{whole.case.name}, killed at {where}: {f}" for f in whole.faults(folder, killed)]
    for each in (folder, folder.with_suffix(".out"), folder.with_suffix(".count")):
        shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)
    return faults


def warmed(cases: Iterable[Case], drawn: Path, work: Path) -> None:
    """Run the commands once in this process: its forks then import and compile nothing.

    Those that start threads are left out, since forks would lack the threads.
    """
    from typer.testing import CliRunner

    from napari_tally.cli.app import app

    before = Path.cwd()
    for number, case in enumerate(c for c in cases if "zarr" not in c.command):
        folder = work / f"warm_{number}"
        shutil.copytree(drawn, folder)
        os.chdir(folder)
        CliRunner().invoke(app, case.command.split())
        os.chdir(before)
        shutil.rmtree(folder)


def chosen(changes: int, most: int) -> Iterable[int]:
    """Return the numbers of at most so many changes, the first and the last among them."""
    return sorted(set(np.linspace(1, changes, min(changes, most)).round().astype(int).tolist()))


def main() -> None:
    """Kill the commands; end with 1 after a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=10**6, help="Changes of each command.")
    parser.add_argument("--moments", type=int, default=0, help="Random moments, of all commands.")
    parser.add_argument("--only", default="", help="Cases whose name begins with this.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    imported()
    import torch

    torch.set_num_threads(1)
    start, faults, count = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        draw(work / "drawn")
        cases = [case for case in CASES if case.name.startswith(options.only)]
        warmed(cases, work / "drawn", work)
        wholes = [Whole.of(c, n, work / "drawn", work) for n, c in enumerate(cases)]
        with ThreadPoolExecutor(options.jobs) as pool:
            runs = [
                pool.submit(at_change, whole, number, work)
                for whole in wholes
                for number in chosen(whole.changes, options.most)
            ]
            runs += [
                pool.submit(at_moment, wholes[number % len(wholes)], number, work)
                for number in range(options.moments)
            ]
            for run in runs:
                count += 1
                for fault in run.result():
                    faults += 1
                    print(fault, flush=True)
    seconds = time.monotonic() - start
    print(f"{count} commands killed and run again in {seconds:.0f} s: {faults} faults")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
