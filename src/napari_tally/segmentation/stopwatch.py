"""Stages of a run, and the time that each takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from .prediction import ON_DEVICE

READ, SEPARATE = "read the image", "separate objects"
_WAITED = 0.001  # seconds; less is no waiting


class Stopwatch:
    """Wall time of each stage of a run, in seconds.

    Parameters
    ----------
    device : context manager
        Held while the network runs; waiting for it is a stage of its own.
    """

    def __init__(self, device: AbstractContextManager[object] | None = None) -> None:
        self.device = nullcontext() if device is None else device
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        with self.device if stage in ON_DEVICE else nullcontext():
            waited = time.perf_counter() - start
            yield
        if waited > _WAITED:
            self._add("wait for the device", waited)
        self._add(stage, time.perf_counter() - start - waited)

    def _add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    def rounded(self) -> dict[str, float]:
        """Return the times to a tenth of a millisecond."""
        return {stage: round(seconds, 4) for stage, seconds in self.seconds.items()}
