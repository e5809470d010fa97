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
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from .cores import allowed_threads, scheduled_cores

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
        box: list[Any] = []
        compiled_for: set[tuple[object, ...]] = set()

        @wraps(function)
        def launch(*args: P.args, **kwargs: P.kwargs) -> R:
            kinds = tuple((getattr(a, "dtype", type(a)), getattr(a, "ndim", 0)) for a in args)
            if kinds in compiled_for and not parallel:
                return box[0](*args, **kwargs)  # type: ignore[no-any-return]
            with _launching:
                if parallel:
                    _start_threads()
                if not box:
                    box.append(_dispatcher(function, parallel))
                    if _is_new(box[0], function.__name__):
                        _note_compilation()
                compiled_for.add(kinds)
                return box[0](*args, **kwargs)  # type: ignore[no-any-return]

        return launch

    return decorate


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

    result: Callable[P, R] = numba.njit(function)
    return result


def _limit_threads_of_numba() -> None:
    """Limit numba to the allowed threads where it would start others, unless it is imported."""
    if "numba" not in sys.modules and allowed_threads() != scheduled_cores():
        os.environ.setdefault("NUMBA_NUM_THREADS", str(allowed_threads()))


_limit_threads_of_numba()


def _dispatcher(function: Callable[P, R], parallel: bool) -> Any:
    import numba
    from numba import config

    before = config.CACHE_DIR
    try:
        return numba.njit(function, parallel=parallel, cache=True, nogil=True)
    except RuntimeError:  # numba's "cannot cache function: no locator available"
        config.CACHE_DIR = str(fallback_folder())
        return numba.njit(function, parallel=parallel, cache=True, nogil=True)
    finally:
        config.CACHE_DIR = before


def _is_new(dispatcher: Any, name: str) -> bool:
    kept = getattr(dispatcher, "_cache", None)  # none with NUMBA_DISABLE_JIT
    return kept is not None and not any(Path(kept.cache_path).glob(f"*{name}*.nbi"))


@cache
def _note_compilation() -> None:
    logger.info("Compiling numerical code for the first time (up to a minute, once).")
