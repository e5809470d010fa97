"""The one way to compile a loop.

Four things go wrong with plain numba in a plugin, and are mended here once: the cache folder
beside an installed package may be read-only (and so may the home folder), a first call that
compiles for seconds looks like a hang, numba's `workqueue` layer aborts the whole process when two
threads launch parallel loops at the same time, and numba heeds neither OMP_NUM_THREADS nor what
torch was told: its first parallel loop sets the number of threads for all of OpenMP, so that torch,
too, then takes more than it was allowed (on a shared node the network ran ten times slower).
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("napari_tally")
_launching = threading.RLock()


def fallback_folder() -> Path:
    """Return the folder for compiled code where neither the package nor home is writable."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"napari-tally-{user}"


def compiled(*, parallel: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Compile the decorated loop at its first call, cache it on disk, and launch it safely.

    Give it arrays of few dtypes: each new combination compiles once more. The loop runs without
    the GIL.

    Parameters
    ----------
    parallel : bool
        Allow `numba.prange`; launches of parallel loops then wait for each other.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        box: list[Any] = []
        seen: set[tuple[object, ...]] = set()

        @wraps(function)
        def launch(*args: P.args, **kwargs: P.kwargs) -> R:
            kinds = tuple((getattr(a, "dtype", type(a)), getattr(a, "ndim", 0)) for a in args)
            if kinds in seen and not parallel:
                return box[0](*args, **kwargs)  # type: ignore[no-any-return]
            with _launching:
                if parallel:
                    _start_threads()
                if not box:
                    box.append(_dispatcher(function, parallel))
                    _say_if_new(box[0], function.__name__)
                seen.add(kinds)
                return box[0](*args, **kwargs)  # type: ignore[no-any-return]

        return launch

    return decorate


@contextmanager
def at_most(most: int) -> Iterator[None]:
    """Let parallel loops that this thread launches take so many threads at most."""
    import numba

    before = threads()
    numba.set_num_threads(min(most, before))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def threads() -> int:
    """Return how many threads parallel loops take that this thread launches."""
    import numba

    with _launching:
        _start_threads()
    found: int = numba.get_num_threads()
    return found


@cache
def _start_threads() -> None:
    """Start numba's threads, and leave torch the number that it was told."""
    import numba

    torch = sys.modules.get("torch")
    told = torch.get_num_threads() if torch else 0
    numba.get_num_threads()
    if torch and torch.get_num_threads() != told:
        torch.set_num_threads(told)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a small function that only compiled loops call; it is compiled with them."""
    import numba

    result: Callable[P, R] = numba.njit(function)
    return result


def _heed_openmp() -> None:
    """Tell numba the number of threads that OpenMP was told, unless it may run already."""
    allowed = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if "numba" not in sys.modules and allowed.isdigit() and int(allowed) > 0:
        os.environ.setdefault("NUMBA_NUM_THREADS", allowed)


_heed_openmp()


def _dispatcher(function: Callable[P, R], parallel: bool) -> Any:
    import numba
    from numba import config

    before = config.CACHE_DIR
    try:
        return numba.njit(function, parallel=parallel, cache=True, nogil=True)
    except RuntimeError:  # numba's "cannot cache function: no locator available"
        fallback_folder().mkdir(parents=True, exist_ok=True)
        config.CACHE_DIR = str(fallback_folder())
        return numba.njit(function, parallel=parallel, cache=True, nogil=True)
    finally:
        config.CACHE_DIR = before


def _say_if_new(dispatcher: Any, name: str) -> None:
    folder = Path(dispatcher._cache.cache_path)
    if not any(folder.glob(f"*{name}*.nbi")):
        logger.info("Compiling %s for the first time (a few seconds, once).", name)
