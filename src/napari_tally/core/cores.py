"""CPU cores that this process may use, and the threads that a pool may therefore have."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def available_cores() -> int:
    """Return the CPU cores that this process may use.

    This is the least of the cores of the machine, of its affinity (`taskset`, Slurm), and of the
    limits of its control groups (`docker run --cpus`, Kubernetes), rounded up.
    """
    return max(1, min([scheduled_cores(), *map(math.ceil, _group_limits())]))


def scheduled_cores() -> int:
    """Return the CPU cores that this process may be scheduled on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def allowed_threads() -> int:
    """Return the threads that a pool may have: OMP_NUM_THREADS, else the available cores."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(wanted) if wanted.isdigit() and int(wanted) > 0 else available_cores()


def _group_limits() -> Iterator[float]:
    """Yield the limits, in cores, of the control groups that this process is in."""
    for folder in _group_folders():
        with suppress(OSError, ValueError):
            yield _limit(folder)


def _group_folders() -> Iterator[Path]:
    """Yield the folders of the groups that limit the CPU: each group, and all it is part of.

    In a container the paths of /proc may be those of the host: then only the top exists.
    """
    try:
        lines = _OWN_GROUPS.read_text("utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = _GROUPS / controllers  # version 2 has no controllers in this line
        own = top / path.lstrip("/")
        yield from [own, *(parent for parent in own.parents if parent.is_relative_to(top))]


def _limit(folder: Path) -> float:
    """Return the cores' worth of time that a group allows.

    Raises
    ------
    OSError, ValueError
        If it sets no limit.
    """
    both = folder / "cpu.max"
    if both.exists():
        quota, period = both.read_text("utf-8").split()  # "max 100000" is no limit
    else:
        quota = (folder / "cpu.cfs_quota_us").read_text("utf-8")
        period = (folder / "cpu.cfs_period_us").read_text("utf-8")
    if min(int(quota), int(period)) <= 0:
        raise ValueError("no limit")
    return int(quota) / int(period)
