"""Compile loops with numba.

This works around four problems of plain numba in a plugin: the cache folder beside an installed
package may be read-only (and the home folder too); a first call compiles for seconds and looks
frozen; numba's `workqueue` layer aborts the process when two threads launch parallel loops at the
same time; and numba ignores OMP_NUM_THREADS, limits of containers and `torch.set_num_threads`: its
first parallel loop sets the number of threads for all of OpenMP, so torch exceeds its limit, too
(on a shared node the network ran ten times slower).
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from .cores import allowed_threads, scheduled_cores
from .preparation import STAGE, ahead, heard

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("napari_tally")
_launching = threading.RLock()
_in_thread = threading.local()


@cache
def fallback_folder() -> Path:
    """Return the folder for compiled code where neither the package nor home is writable.

    Numba runs the code that it finds there, so it must be ours alone. Where others have made a
    folder of that name, the code is compiled anew in each process.
    """
    user = os.geteuid() if hasattr(os, "geteuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"napari-tally-{user}"
    with suppress(OSError):
        folder.mkdir(mode=0o700)
    if _is_ours_alone(folder):
        return folder
    own = Path(tempfile.mkdtemp(prefix="napari-tally-"))
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return own


def _is_ours_alone(folder: Path) -> bool:
    """Return whether this is a folder, not a link, that nobody else can write to."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        return False
    ours = found.st_uid == os.geteuid() if hasattr(os, "geteuid") else True
    # Windows gives each user a temporary folder of their own.
    return ours and (os.name != "posix" or not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def compiled(*, parallel: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile the decorated loop at its first call, cache it on disk, and launch it safely.

    Each new combination of dtypes compiles again, so pass arrays of few dtypes. The loop runs
    without the GIL.

    Parameters
    ----------
    parallel : bool
        Allow `numba.prange`; parallel loops are then launched one at a time.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        loop = Loop(function, parallel)

        @wraps(function)
        def launch(*args: P.args, **kwargs: P.kwargs) -> R:
            result: R = loop.launch(args, kwargs)
            return result

        launch.loop = loop  # type: ignore[attr-defined]
        return launch

    return decorate


class Loop:
    """A function that is compiled at its first call, or ahead.

    Parameters
    ----------
    function : callable
    parallel : bool
    """

    def __init__(self, function: Callable[..., Any], parallel: bool) -> None:
        self.name = f"{function.__module__.removeprefix('napari_tally.')}:{function.__name__}"
        self._function, self._parallel = function, parallel
        self._made: Any = None
        self._known: set[tuple[object, ...]] = set()

    def launch(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run it."""
        kinds = tuple((getattr(a, "dtype", type(a)), getattr(a, "ndim", 0)) for a in args)
        known = kinds in self._known
        if known and not self._parallel:
            return self._made(*args, **kwargs)
        with _launching:
            if self._parallel:
                _start_threads()
            if known:
                return self._made(*args, **kwargs)
            if ahead.current is not None:
                ahead.current.take(self.name)
            with _announced(self):
                result = self._dispatcher()(*args, **kwargs)
            self._known.add(kinds)
            return result

    def prepare(self, signature: str) -> bool:
        """Compile it for types in numba's notation; return whether that was not done yet."""
        from numba.core.sigutils import normalize_signature

        dispatcher = self._dispatcher()
        before = sum(dispatcher.stats.cache_misses.values())
        dispatcher.compile(normalize_signature(signature)[0])  # the types, which index the cache
        return bool(sum(dispatcher.stats.cache_misses.values()) > before)

    def folder(self) -> str:
        """Return where the compiled code is kept, or "" if nowhere."""
        return str(getattr(self._dispatcher().stats, "cache_path", None) or "")

    def _dispatcher(self) -> Any:
        if self._made is None:
            self._made = _dispatcher(self._function, self._parallel)
        return self._made

    def is_compiled_by(self, dispatcher: object) -> bool:
        """Return whether a dispatcher of numba compiles it."""
        return bool(dispatcher is self._made)


@contextmanager
def _announced(loop: Loop) -> Iterator[None]:
    """If a loop is compiled, show it, and let other processes compile what follows."""
    from numba.core.event import Listener, install_listener

    class Announcer(Listener):
        def on_start(self, event: Any) -> None:
            if loop.is_compiled_by(event.data["dispatcher"]):
                ahead.start(loop.name)
                if not heard():
                    _note_compilation()

        def on_end(self, event: Any) -> None:
            pass

    with install_listener("numba:compile", Announcer()):
        yield
    if ahead.current is not None:
        ahead.current.finish(loop.name)


@contextmanager
def at_most(most: int) -> Iterator[None]:
    """Limit the threads of parallel loops that this thread launches."""
    import numba

    before = threads()
    numba.set_num_threads(min(most, before))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def threads() -> int:
    """Return the number of threads of parallel loops that this thread launches."""
    import numba

    with _launching:
        _start_threads()
    count: int = numba.get_num_threads()
    return count


def _start_threads() -> None:
    """Start numba's threads, once, and let this thread use no more of them than allowed."""
    import numba

    _start_pool()
    if not getattr(_in_thread, "limited", False):
        _in_thread.limited = True
        numba.set_num_threads(min(numba.get_num_threads(), allowed_threads()))


@cache
def _start_pool() -> None:
    """Start numba's threads without changing torch's number of threads."""
    import numba

    torch = sys.modules.get("torch")
    limit = torch.get_num_threads() if torch else 0
    numba.get_num_threads()
    if torch and torch.get_num_threads() != limit:
        torch.set_num_threads(limit)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a small function that only compiled loops call, together with them."""
    import numba

    result: Callable[P, R] = numba.njit(function, no_cfunc_wrapper=True)
    return result


def _limit_threads_of_numba() -> None:
    """Limit numba to the allowed threads where it would start others, unless it is imported."""
    if "numba" not in sys.modules and allowed_threads() != scheduled_cores():
        os.environ.setdefault("NUMBA_NUM_THREADS", str(allowed_threads()))


_limit_threads_of_numba()


def _dispatcher(function: Callable[P, R], parallel: bool) -> Any:
    import numba
    from numba import config

    make = partial(numba.njit, function, parallel=parallel, nogil=True, no_cfunc_wrapper=True)
    before = config.CACHE_DIR
    try:
        return make(cache=True)
    except RuntimeError:  # numba's "cannot cache function: no locator available"
        try:
            config.CACHE_DIR = str(fallback_folder())
        except OSError:  # not even temporary files
            return make(cache=False)
        return make(cache=True)
    finally:
        config.CACHE_DIR = before


@cache
def _note_compilation() -> None:
    logger.info("%s (up to a minute).", STAGE)
