"""A measurement that the Measure dock runs in the background."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import InputError
from ...core.progress import Step, Steps
from ...features.declare.options import Measurements

if TYPE_CHECKING:
    import pandas as pd

    from ...core.quantity import Quantity
    from ...core.volume import Volume
    from ...measurement.track import Tracked

MOST_IDS = 5_000_000  # rows that a table of features may have


@dataclass(frozen=True, eq=False)
class MeasureJob:
    """Labels to measure: a copy, since the layer may be painted meanwhile.

    With `grow` the labels are nuclei, and their cells are measured too. With `before`, the last
    measurement, only objects that changed since are measured.
    """

    labels: Volume
    images: tuple[Volume, ...] = ()
    options: Measurements = field(default_factory=Measurements)
    parents: Volume | None = None
    grow: Quantity | None = None
    before: Measured | None = None

    def is_as(self, other: MeasureJob) -> bool:
        """Tell whether two jobs differ in the values of the labels only."""
        images = [(a.array, b.array) for a, b in zip(self.images, other.images, strict=False)]
        return (
            len(self.images) == len(other.images)
            and all(a is b for a, b in images)
            and self.options == other.options
            and self.parents is other.parents is None
            and self.grow is other.grow is None
            and self.labels.axes == other.labels.axes
            and self.labels.shape == other.labels.shape
            and self.labels.spacing == other.labels.spacing
            and self.labels.unit == other.labels.unit
        )


@dataclass(frozen=True, eq=False)
class Measured:
    """A finished job: its table, the cells of nuclei, and the objects in each parent."""

    job: MeasureJob
    table: pd.DataFrame
    cells: Volume | None = None
    children: pd.DataFrame | None = None


def measure_job(job: MeasureJob) -> Steps[Measured]:
    """Measure objects, in a series frame by frame."""
    from ...measurement.cells_from_nuclei import cells_of, measure_cells
    from ...measurement.measure import measure_edited, measure_parents, measure_volumes

    yield Step("measure", 0, 1)
    check_ids(job.labels, "Press Relabel to make them consecutive")
    if job.grow is not None:
        cells = cells_of(job.labels, job.grow)
        yield Step("measure", 0, 1)
        return Measured(job, measure_cells(job.labels, cells, job.images, job.options), cells)
    rest: tuple[Any, ...] = (job.images, job.options, job.parents)
    if job.parents is not None:
        check_ids(job.parents, "Relabel the parents")
        table = measure_volumes(job.labels, *rest)
        yield Step("measure", 0, 1)
        parents = job.parents.calibrated_by([job.labels])
        return Measured(job, table, children=measure_parents(parents, table, job.options))
    if job.before is None:
        return Measured(job, measure_volumes(job.labels, *rest))
    last = job.before
    table = measure_edited(last.table, np.asarray(last.job.labels.array), job.labels, *rest)
    return Measured(job, table)


def check_ids(labels: Volume, hint: str) -> None:
    """Raise an `InputError` if ids are too large for a table with one row per id."""
    most = int(np.asarray(labels.array).max(initial=0))
    if most > MOST_IDS:
        where = f" in {labels.name}" if labels.name else ""
        raise InputError(
            f"The largest id{where} is {most:,} but napari shows at most {MOST_IDS:,} rows",
            hint=hint,
        )


def link_job(labels: Volume) -> Steps[Tracked]:
    """Link the objects of a series of labels over time."""
    from ...measurement.track import track_steps

    return (yield from track_steps(labels))
