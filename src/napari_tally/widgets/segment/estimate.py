"""Forecast of the time and memory of a run, from the runs before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from ...models.bundle import model_folder, read_info, read_spatial_dims
from ...segmentation.setup.estimate import Needs, needs
from .messages import size

if TYPE_CHECKING:
    from .job import Done, Job

_FIRST = {
    "cpu": {2: 1.2e-6, 3: 6e-6},
    "cuda": {2: 1e-7, 3: 3e-7},
}  # seconds per voxel at first


class Forecast:
    """Seconds per voxel of each model and device."""

    def __init__(self) -> None:
        self.rates: dict[tuple[str, str], float] = {}

    def learn(self, done: Done) -> None:
        """Remember how fast a run was."""
        seconds = sum(done.result.seconds.values())
        rate = seconds / max(1.0, needed(done.job)[0].voxels)
        self.rates[done.job.model, done.job.options.device] = rate

    def sentence(self, job: Job) -> str:
        """Return the forecast for a job as a sentence."""
        wanted, ndim = needed(job)
        first = _FIRST.get(job.options.device, _FIRST["cpu"])[ndim]
        rate = self.rates.get((job.model, job.options.device), first)
        free = psutil.virtual_memory().available
        forecast = f"About {_time(rate * wanted.voxels)}, {size(wanted.memory)} ({size(free)} free)"
        if wanted.memory > free:
            forecast += ". This exceeds the free memory: choose a part of the image"
        if wanted.streamed:
            forecast += ". Runs block by block, with the prediction maps in a temporary file"
        return forecast


def needed(job: Job) -> tuple[Needs, int]:
    """Return the requirements of a job, and the dimensions of its model."""
    folder = model_folder(job.model)
    ndim = read_spatial_dims(folder)
    return needs(job.cut, read_info(folder), ndim, job.options), ndim


def _time(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{seconds / 60:.0f} min"
