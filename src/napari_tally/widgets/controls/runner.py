"""The only place that starts workers: one generator of steps at a time, cancelled between steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from napari.utils import progress
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from ...core.progress import Step, Steps

_EVERY_MS = 50
_SCALE = 1000  # units of napari's progress bar


class Runner(QObject):
    """Runs steps in a worker and reports them by signals in the main thread.

    Only the latest run is reported: signals of earlier ones are dropped.
    """

    stepped = Signal(object)  # Step
    finished = Signal(object)  # the result
    failed = Signal(object)  # the exception
    heard = Signal(object)  # every Step, none skipped
    closed = Signal()  # a run that was cancelled has ended

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title
        self.worker: Any = None
        self.started = 0.0
        self._hold = Event()  # set while the run is paused
        self._bar: Any = None
        self._stop = Event()
        self._latest: Step | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._tell)

    @property
    def busy(self) -> bool:
        return self.worker is not None

    def start(self, steps: Callable[..., Steps[Any]], *arguments: Any, bar: bool = True) -> None:
        """Run a generator function; cancel the run before."""
        self.cancel()
        self._stop, self._hold = Event(), Event()
        run = steps(*arguments)
        worker: Any = create_worker(
            _until, self._stop, self._hold, run, _start_thread=False, _ignore_errors=True
        )
        worker.finished.connect(run.close)  # napari stops workers itself when a window closes
        stop = self._stop
        worker.finished.connect(lambda: self.closed.emit() if stop.is_set() else None)
        worker.yielded.connect(lambda step: self._hear(worker, self._step, step))
        worker.returned.connect(lambda result: self._hear(worker, self._return, result))
        worker.errored.connect(lambda error: self._hear(worker, self._fail, error))
        self.worker, self.started = worker, time.monotonic()
        self._bar = progress(total=_SCALE, desc=self.title) if bar else None
        worker.start()

    def cancel(self) -> None:
        """Stop the run at its next step, and ignore its signals."""
        if self.worker is None:
            return
        self._stop.set()
        self._end()

    def _hear(self, worker: Any, answer: Callable[[Any], None], what: Any) -> None:
        if worker is self.worker:
            answer(what)

    def toggle_pause(self) -> bool:
        """Pause after the next step, or resume; return whether the run is paused."""
        if self.worker is None:
            return False
        if self._hold.is_set():
            self._hold.clear()
        else:
            self._hold.set()
        return self._hold.is_set()

    def _step(self, step: Step) -> None:
        self._latest = step
        self.heard.emit(step)
        if not self._timer.isActive():
            self._timer.start()

    def _tell(self) -> None:
        """Report the latest step: reporting each of many would freeze the window."""
        step = self._latest
        if self.worker is None or step is None:
            return
        self.stepped.emit(step)
        if self._bar is not None and step.total:
            self._bar.n = min(_SCALE, round(_SCALE * step.done / step.total))
            # Last, since it processes other events, such as the end of this run.
            self._bar.set_description(f"{self.title}: {step.stage}")

    def _return(self, result: Any) -> None:
        self._end()
        self.finished.emit(result)

    def _fail(self, error: BaseException) -> None:
        self._end()
        self.failed.emit(error)

    def _end(self) -> None:
        self.worker = self._latest = None
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _until(stop: Event, hold: Event, steps: Steps[Any]) -> Steps[Any]:
    """Relay steps until stopped, then close them in the thread where they run.

    A worker that quits leaves its generator open, with all the memory that it holds; and napari's
    own pause can begin after it was withdrawn.
    """
    try:
        while not stop.is_set():
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            yield step
            while hold.is_set() and not stop.is_set():
                time.sleep(_EVERY_MS / 1000)
    finally:
        steps.close()
    return None
