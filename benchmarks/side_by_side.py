"""Time things side by side: interleaved runs, so that a busy machine is as busy for each."""

from __future__ import annotations

import os
import platform
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median


def compare(ways: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each way, after one run of each that does not count.

    The order changes from round to round: what ran before leaves caches and memory behind.
    """
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    rng = random.Random(0)
    for _ in range(repeats):
        for name in rng.sample(list(ways), len(ways)):
            start = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in seconds.items()}


def report(seconds: Mapping[str, float]) -> None:
    """Print the seconds, and how many times as long each took as the first."""
    first = next(iter(seconds.values()))
    for name, value in seconds.items():
        print(f"  {name:<34} {value:9.3f} s  {value / first:7.1f} x")


def machine(*packages: str) -> str:
    """Return the date, processor, load at the start and versions, in two lines."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", *packages))
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    python = f"Python {platform.python_version()}"
    return f"{when}; {_processor()}, {os.cpu_count()} cores{load}\n{python}, {versions}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
