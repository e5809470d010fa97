"""Thread pools that wait without spinning, and that keep to the cores there are.

The threads of OpenMP (torch, numba) and OpenBLAS (NumPy, SciPy) wait for each other in a loop.
Where another program needs the core, the loop takes the time of the thread that is waited for:
beside one busy process a network ran six times slower on two cores (`benchmarks/busy.py`). A short
loop is as fast on an idle machine, and then the thread sleeps.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import cache

from .cores import available_cores, scheduled_cores

# GNU OpenMP: iterations, 300,000 by default. LLVM's and Intel's: milliseconds, 200 by default.
# OpenBLAS: the binary logarithm of processor cycles, 26 by default.
SHORT_WAITS = {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1", "OPENBLAS_THREAD_TIMEOUT": "14"}
_OF_THE_USER = ("OMP_WAIT_POLICY", "KMP_LIBRARY", *SHORT_WAITS)
_PARALLEL = 1 << 18  # elements from which torch adds tensors in parallel


@cache
def wait_without_spinning() -> None:
    """Shorten the loops in which threads wait, and limit threads to the available cores.

    Before torch is imported this sets environment variables; later, as in napari with other
    plugins, it makes GNU OpenMP believe that its threads outnumber the cores, for then it spins
    briefly by itself. Settings of the user are kept.
    """
    chosen = any(name in os.environ for name in _OF_THE_USER)
    torch = sys.modules.get("torch")
    if torch is None:
        if not chosen:
            os.environ.update(SHORT_WAITS)
        if _is_limited():
            os.environ["OMP_NUM_THREADS"] = str(available_cores())
        return
    if _is_limited():
        torch.set_num_threads(min(torch.get_num_threads(), available_cores()))
    if not chosen and sys.platform == "linux" and torch.get_num_threads() > 1:
        _hold_a_sleeping_team(torch)


def _is_limited() -> bool:
    """Return whether control groups allow fewer cores than OpenMP counts."""
    return "OMP_NUM_THREADS" not in os.environ and available_cores() < scheduled_cores()


def _hold_a_sleeping_team(torch: object) -> None:
    """Start a thread that runs one parallel loop and then sleeps, and with it a team of threads.

    GNU OpenMP counts them for as long as the thread lives. With those of any other thread they are
    more than the cores, for which it spins a thousand times only.
    """
    started = threading.Event()

    def run() -> None:
        torch.ones(_PARALLEL).add_(1)  # type: ignore[attr-defined]
        started.set()
        threading.Event().wait()

    threading.Thread(target=run, name="tally-openmp", daemon=True).start()
    started.wait(10)
