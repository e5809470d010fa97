"""Run commands on thousands of damaged files: `make fuzz`, or `python -m fuzzing.run --help`.

Each command runs in a fork of a process that has imported the package once. It must end within a
minute and with 0, 1 or 2, take less than 2 GB, and print sentences, no traceback.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .mutations import mutate
from .seeds import SEEDS, Command, Seed

if TYPE_CHECKING:
    import resource

SECONDS, BYTES = 60, 2 * 2**30
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class End:
    """How a command ended."""

    code: int
    seconds: float
    peak: int
    output: str

    @property
    def fault(self) -> str:
        """What is wrong with it; empty if nothing."""
        if self.seconds > SECONDS:
            return f"ran for {self.seconds:.0f} s"
        if self.code < 0:
            return f"died of {signal.Signals(-self.code).name}"
        if self.code not in (0, 1, 2):
            return f"exit code {self.code}"
        if TRACEBACK in self.output:
            return f"traceback: {self.output.strip().splitlines()[-1][:200]}"
        return f"took {self.peak / 2**30:.1f} GB" if self.peak > BYTES else ""


def in_child(folder: Path, do: Callable[[], None]) -> End:
    """Run a function in a fork, in a folder; what it prints goes to a file."""
    log = folder.with_suffix(".out")
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(folder, log, do)
    status, usage = _waited(child)
    code = os.waitstatus_to_exitcode(status)
    output = log.read_text("utf-8", "replace") if log.exists() else ""
    return End(code, time.monotonic() - start, usage.ru_maxrss * 1024, output)


def _become(folder: Path, log: Path, do: Callable[[], None]) -> None:
    """Run the function as a process of its own; never return."""
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(out, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout, sys.stderr = (open(n, "w", closefd=False) for n in (1, 2))  # noqa: SIM115
        do()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  (what a user would see)
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _waited(child: int) -> tuple[int, resource.struct_rusage]:
    """Wait for a process, and end it with its children after the time limit."""
    end = time.monotonic() + SECONDS
    pause = 0.002
    while True:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            return status, usage
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
            return status, usage
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)


def tally(command: Command) -> Callable[[], None]:
    """Return what runs a command line."""

    def run() -> None:
        from napari_tally.cli.app import main

        sys.argv = ["tally", *command]
        main()

    return run


def case(seed: Seed, number: int, source: Path, work: Path) -> Iterator[tuple[str, End]]:
    """Damage a copy of an input, and yield how each of its commands ended."""
    folder = work / f"{source.name}_{number}"
    shutil.copytree(source, folder)
    files = sorted(p for p in folder.glob(seed.damaged) if p.is_file())
    files = files or sorted(p for p in folder.rglob("*") if p.is_file())
    done = mutate(files, random.Random(f"{seed.name} {number}"))
    for command in seed.commands:
        end = in_child(folder, tally(command))
        yield f"{done}: tally {' '.join(command)}", end
    shutil.rmtree(folder)
    folder.with_suffix(".out").unlink(missing_ok=True)


def prepare(root: Path, seeds: tuple[Seed, ...]) -> dict[str, Path]:
    """Write the inputs, each in a process of its own, and check that its commands succeed."""
    made = {}
    for number, seed in enumerate(seeds):
        folder = root / f"seed_{number}"
        folder.mkdir()
        end = in_child(folder, lambda seed=seed, folder=folder: seed.make(folder))
        if end.code:
            raise SystemExit(f"{seed.name} cannot be written: {end.output}")
        made[seed.name] = folder
        whole = root / f"whole_{number}"
        shutil.copytree(folder, whole)
        for command in seed.commands:
            end = in_child(whole, tally(command))
            if end.code or end.fault:
                raise SystemExit(f"{seed.name} undamaged: {command} {end.fault} {end.output}")
    return made


def main() -> None:
    """Run the given number of damaged inputs of each kind; end with 1 after a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=200, help="Damaged inputs of each kind.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first one.")
    parser.add_argument("--only", default="", help="Kinds whose name contains this.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    seeds = tuple(s for s in SEEDS if options.only in s.name)
    imported()
    faults: Counter[str] = Counter()
    start, count = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as name:
        made = prepare(Path(name), seeds)

        def run(seed: Seed, number: int) -> list[tuple[str, End]]:
            return list(case(seed, number, made[seed.name], Path(name)))

        numbers = range(options.first, options.first + options.each)
        with ThreadPoolExecutor(options.jobs) as pool:
            runs = [(s, n, pool.submit(run, s, n)) for n in numbers for s in seeds]
            for seed, number, future in runs:
                count += 1
                for what, end in future.result():
                    if end.fault:
                        faults[seed.name] += 1
                        print(f"{seed.name} {number}: {what}: {end.fault}", flush=True)
    print(
        f"{count} damaged inputs of {len(seeds)} kinds in {time.monotonic() - start:.0f} s: "
        f"{faults.total()} faults {dict(faults) or ''}"
    )
    raise SystemExit(bool(faults))


def imported() -> None:
    """Import once what commands import, without starting a thread: forks would lack it."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    for name in (
        "monai.networks.nets", "tifffile", "nibabel", "SimpleITK", "pydicom", "zarr", "bioio",
        "napari_tally.segmentation.segment_files", "napari_tally.measurement.measure_files",
        "napari_tally.training.train", "napari_tally.cli.files", "napari_tally.files.coco",
    ):  # fmt: skip
        __import__(name)


if __name__ == "__main__":
    main()
