"""Compile loops ahead, in processes: numba compiles one function at a time in each.

`kernels.tsv` lists the loops with the types of their arguments, in the order in which a run calls
them. This process compiles what it needs next itself, and others begin at the end of the list.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread

from .cores import available_cores

STAGE = "Preparing compiled code, once"
RUN = "segment"  # marks what nearly each run of `segment` calls
_LIST = Path(__file__).with_name("kernels.tsv")
_MOST_PROCESSES = 4  # each takes 200 MB
_WORKER = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from napari_tally.core.compile_worker import work; work()"
)
Listener = Callable[[int, int], None]
_listeners: list[Listener] = []


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled loop.

    Attributes
    ----------
    name : str
        Module and function, such as "heads.decoding.peaks:_touching".
    signatures : tuple of str
        The types of the arguments, in numba's notation, for which it is compiled.
    """

    name: str
    signatures: tuple[str, ...]


def listed(group: str = "") -> list[Kernel]:
    """Return the loops that are compiled ahead: all, or those of a group such as `RUN`."""
    found: dict[str, list[str]] = {}
    for line in _LIST.read_text("utf-8").splitlines():
        own, name, signature = line.split("\t")
        if group in ("", own):
            found.setdefault(name, []).append(signature)
    return [Kernel(name, tuple(signatures)) for name, signatures in found.items()]


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Pass (done, total) to `listener`, from any thread, as functions are compiled."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def heard() -> bool:
    """Return whether anyone shows the progress."""
    return bool(_listeners)


class Preparation:
    """Compiles functions in processes, unless this process takes them first.

    Attributes
    ----------
    done, total : int
        Functions.
    states : dict
        For each function that a process has finished: "cached", "compiled", or what failed.
    folders : set of str
        Where the compiled code is kept.
    """

    def __init__(self, kernels: Iterable[Kernel]) -> None:
        self._pending = {kernel.name: kernel for kernel in kernels}
        self._busy: set[str] = set()
        self._taken: set[str] = set()
        self._changed = Condition()
        self._threads: list[Thread] = []
        self.done, self.total = 0, len(self._pending)
        self.states: dict[str, str] = {}
        self.folders: set[str] = set()

    def start(self, processes: int) -> None:
        """Start processes, which end where nothing is left."""
        for _ in range(min(processes, len(self._pending), _MOST_PROCESSES)):
            thread = Thread(target=self._serve, daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait(self) -> None:
        """Wait for all processes."""
        for thread in self._threads:
            while thread.is_alive():
                thread.join(0.1)  # Ctrl+C is heard

    def take(self, name: str) -> None:
        """Take a function out of the list, or wait for the process that compiles it."""
        with self._changed:
            while name in self._busy:
                self._changed.wait(0.1)
            if self._pending.pop(name, None) is not None:
                self._taken.add(name)

    def finish(self, name: str) -> None:
        """Count a function that this process took and is ready."""
        with self._changed:
            counts = name in self._taken
            self._taken.discard(name)
        if counts:
            self._count()

    def _count(self) -> None:
        with self._changed:
            self.done += 1
        _tell(self)

    def _next(self) -> Kernel | None:
        with self._changed:
            if not self._pending:
                return None
            name, kernel = self._pending.popitem()
            self._busy.add(name)
            return kernel

    def _serve(self) -> None:
        """Let one process compile function after function."""
        try:
            process = _process()
        except OSError:  # no Python to start: this process compiles all itself
            return
        with process:
            alive = True
            while alive and (kernel := self._next()) is not None:
                answer = _asked(process, kernel)
                alive = bool(answer)
                state, _, folder = answer.partition("\t")
                self._note(kernel.name, state or "the process that compiled it ended", folder)

    def _note(self, name: str, state: str, folder: str) -> None:
        with self._changed:
            self.states[name] = state
            self.folders |= {folder} - {""}
            self._busy.discard(name)
            self._changed.notify_all()
        self._count()


def _tell(preparation: Preparation) -> None:
    for listener in tuple(_listeners):
        listener(preparation.done, preparation.total)


def _process() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _WORKER, str(Path(__file__).parents[2])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _asked(process: subprocess.Popen[str], kernel: Kernel) -> str:
    """Return the answer of a process, or "" if it has ended."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write("\t".join([kernel.name, *kernel.signatures]) + "\n")
        process.stdin.flush()
        return process.stdout.readline().rstrip("\n")
    except OSError:
        return ""


def _looks_new(name: str) -> bool:
    """Return whether a function was never compiled, without importing numba.

    Where the package cannot be written to, its code is elsewhere: then this returns False.
    """
    module, _, function = name.partition(":")
    source = Path(__file__).parents[1].joinpath(*module.split("."))
    pattern = f"{source.name}.{function}-*.nbi"
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return not any(Path(given).rglob(pattern))
    if any((source.parent / "__pycache__").glob(pattern)):
        return False
    return os.access(source.parent, os.W_OK)


class _Ahead:
    """The preparation that accompanies the work of this process, if any."""

    def __init__(self) -> None:
        self.enabled = multiprocessing.parent_process() is None
        self.current: Preparation | None = None

    def start(self, needed: str = "") -> None:
        """Begin to compile what most runs need, once, if that includes what is `needed` now."""
        if not self.enabled or self.current is not None:
            return
        kernels = listed(RUN)
        if needed and needed not in {kernel.name for kernel in kernels}:
            return
        self.current = Preparation(kernels)
        if needed:
            self.current.take(needed)
        self.current.start(available_cores() - 1)
        _tell(self.current)

    def start_where_new(self) -> None:
        """Begin before anything is needed, if this looks like the first run."""
        if _looks_new(listed(RUN)[-1].name):
            self.start()

    def forget(self) -> None:
        """Leave it to the process that this one was forked from."""
        self.enabled, self.current = False, None


ahead = _Ahead()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ahead.forget)
