"""The one way to compile a loop.

Four things go wrong with plain numba in a plugin, and are mended here once: the cache folder
beside an installed package may be read-only (and so may the home folder), a first call that
compiles for seconds looks like a hang, numba's `workqueue` layer aborts the whole process when two
threads launch parallel loops at the same time, and numba does not heed OMP_NUM_THREADS: its first
parallel loop sets the number of threads for all of OpenMP, so that torch, too, then takes more than
it was allowed (on a shared node the network ran ten times slower).
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import wraps
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
                if not box:
                    box.append(_dispatcher(function, parallel))
                    _say_if_new(box[0], function.__name__)
                seen.add(kinds)
                return box[0](*args, **kwargs)  # type: ignore[no-any-return]

        return launch

    return decorate


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
