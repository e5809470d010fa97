"""Load in the background what runs need, while their dock is open.

Importing torch takes one or two seconds. Done in a thread as it is, it freezes the window for
0.2 to 0.4 s at a time: its libraries are loaded with the GIL held, and what it creates sets off
garbage collection over all of napari. Here neither happens.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import InputError
from ...core.progress import Step, Steps
from ...core.threads import wait_without_spinning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

logger = logging.getLogger("napari_tally")
_POLL = 0.05  # s
_PATIENCE = 10.0  # s: at the end of the process, until a library is loaded


class Preload(MetaPathFinder):
    """A thread that loads parts, each once per process, and ends with the process.

    A part is a generator function of steps. Runs wait for the needed parts, and do themselves what
    the others would have prepared.
    """

    def __init__(self) -> None:
        self.step = Step("", 0, 0)
        self.error: Exception | None = None  # of a needed part
        self._begun: set[Callable[..., Steps[Any]]] = set()
        self._parts: deque[tuple[Callable[[], Steps[Any]], bool]] = deque()
        self._lock = threading.Lock()
        self._hurry, self._closing, self._idle = (threading.Event() for _ in range(3))
        self._idle.set()
        self._thread: threading.Thread | None = None

    def begin(self, part: Callable[..., Steps[Any]], *arguments: Any, needed: bool = False) -> None:
        """Load a part after those before, unless it was begun earlier."""
        with self._lock:
            if part in self._begun:
                return
            self._begun.add(part)
            self._parts.append((lambda: part(*arguments), needed))
            if self._idle.is_set():
                self._start()

    def wait_steps(self) -> Steps[None]:
        """Wait until what runs need is loaded; the other parts are dropped.

        Raises
        ------
        InputError
            If it cannot be loaded.
        """
        self._hurry.set()
        try:
            while not self._idle.wait(_POLL):
                yield self.step
        finally:
            self._hurry.clear()
        if self.error is not None:
            raise InputError(
                f"PyTorch cannot be imported: {self.error}",
                hint="Install it again, and restart napari",
            ) from self.error

    def close(self) -> None:
        """Stop at the next module that is imported, and wait for it.

        A thread that is importing a library when the process ends may crash it.
        """
        self._closing.set()
        self._hurry.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find no module; end the imports of the thread when the process ends."""
        if self._closing.is_set() and threading.current_thread() is self._thread:
            raise _ClosedError(fullname)
        return None

    def _start(self) -> None:
        self._idle.clear()
        self._thread = threading.Thread(target=self._run, name="tally-preload", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        sys.meta_path.insert(0, self)
        try:
            while (taken := self._next()) is not None:
                self._load(*taken)
        except _ClosedError:
            logger.debug("Closed while %s", self.step.stage)
            self._idle.set()
        finally:
            sys.meta_path.remove(self)

    def _next(self) -> tuple[Callable[[], Steps[Any]], bool] | None:
        """Return the next part to load; none if all are loaded or not wanted any more."""
        with self._lock:
            while self._parts and not self._closing.is_set():
                part, needed = self._parts.popleft()
                if needed or not self._hurry.is_set():
                    return part, needed
            self._idle.set()  # with the lock held: a part begun now starts another thread
            return None

    def _load(self, part: Callable[[], Steps[Any]], needed: bool) -> None:
        steps = part()
        try:
            for self.step in steps:
                if self._closing.is_set() or (self._hurry.is_set() and not needed):
                    break
        except Exception as error:
            # A run fails alike, and reports it.
            logger.debug("Not loaded in the background: %s", self.step.stage, exc_info=True)
            self.error = error if needed else self.error
        finally:
            steps.close()


class _ClosedError(BaseException):
    """Ends imports; a base exception, which modules with optional imports do not catch."""


preload = Preload()
atexit.register(preload.close)


def torch_steps() -> Steps[None]:
    """Import torch."""
    yield Step("loading PyTorch", 0, 0)
    wait_without_spinning()
    with quick_collections():
        _load_libraries()
        import torch  # noqa: F401


def chart_steps() -> Steps[None]:
    """Import what charts need."""
    yield Step("loading matplotlib", 0, 0)
    with quick_collections():
        import matplotlib.backends.backend_qtagg
        import matplotlib.figure  # noqa: F401


@contextmanager
def quick_collections() -> Iterator[None]:
    """Import modules without garbage collections over all objects.

    The many objects of new modules set off collections of all that napari holds, which freeze the
    window for a quarter of a second each. Here the only collection is one of the new objects.
    """
    ours = gc.isenabled() and not gc.get_freeze_count()
    if ours:
        gc.disable()
        gc.freeze()
    try:
        yield
    finally:
        if ours:
            gc.collect()
            gc.unfreeze()
            gc.enable()


def _load_libraries() -> None:
    """Load torch's libraries without the GIL, which `import` holds; on Windows torch does so.

    Errors are left to the import, which loads them again.
    """
    spec = None if "torch" in sys.modules else find_spec("torch")
    if spec is None or spec.origin is None or os.name != "posix":
        return
    load = ctypes.CDLL(None).dlopen
    load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    ending = "dylib" if sys.platform == "darwin" else "so"
    # The first as torch does itself: CUDA's libraries must be found by others.
    flags = {"libtorch_global_deps": os.RTLD_GLOBAL | os.RTLD_NOW, "libtorch_python": os.RTLD_NOW}
    for name, flag in flags.items():
        load(os.fsencode(Path(spec.origin).parent / "lib" / f"{name}.{ending}"), flag)
