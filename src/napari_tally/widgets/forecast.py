"""How long a run will take and how much memory, learnt from the runs before."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import psutil

from .explain import size

if TYPE_CHECKING:
    from .job import Done, Job

_BYTES = 120  # a pixel of the largest plane: maps, labels and what the network needs beside
_FIRST = {"cpu": 1.2e-6, "cuda": 1e-7, "mps": 4e-7}  # seconds a pixel, before the first run


class Forecast:
    """Seconds a pixel of each model and device."""

    def __init__(self) -> None:
        self.rates: dict[tuple[str, str], float] = {}

    def learn(self, done: Done) -> None:
        """Remember how fast a run was."""
        seconds = sum(done.result.seconds.values())
        self.rates[done.job.model, done.job.options.device] = seconds / _pixels(done.job)

    def sentence(self, job: Job) -> str:
        """Say what a job will take."""
        first = _FIRST.get(job.options.device, _FIRST["cpu"])
        rate = self.rates.get((job.model, job.options.device), first)
        memory = _BYTES * math.prod(job.cut.spatial_shape[-2:])
        free = psutil.virtual_memory().available
        return f"About {_time(rate * _pixels(job))}, {size(memory)} ({size(free)} free)"


def _pixels(job: Job) -> int:
    sizes = dict(zip(job.cut.axes, job.cut.shape, strict=True))
    return math.prod(n for a, n in sizes.items() if a != "C")


def _time(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{seconds / 60:.0f} min"
