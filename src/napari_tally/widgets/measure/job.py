"""A measurement that the Measure dock runs in the background."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import InputError
from ...core.progress import Step, Steps
from ...features.declare.options import Measurements
from ...objects.binary_mask import pieces_of_mask, separated
from ..layers.features import check_ids

if TYPE_CHECKING:
    import pandas as pd

    from ...core.quantity import Quantity
    from ...core.volume import Volume
    from ...measurement.track import Tracked


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
    notes: tuple[str, ...] = ()  # on the images and parents
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
    """A finished job.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per object.
    pieces : int
        Connected components if the labels are a binary mask of several, else 0.
    cells : Volume, optional
        The cells of nuclei.
    children : pandas.DataFrame, optional
        The objects in each parent, one row per parent.
    """

    job: MeasureJob
    table: pd.DataFrame
    pieces: int = 0
    cells: Volume | None = None
    children: pd.DataFrame | None = None


def measure_job(job: MeasureJob) -> Steps[Measured]:
    """Measure objects, in a series frame by frame."""
    from ...measurement.cells_from_nuclei import cells_of, measure_cells
    from ...measurement.measure import measure_edited, measure_parents, measure_volumes

    yield Step("measure", 0, 1)
    check_ids(job.labels, "Press Relabel to make them consecutive")
    pieces = pieces_of_mask(job.labels)
    if job.grow is not None:
        cells = cells_of(job.labels, job.grow)
        yield Step("measure", 0, 1)
        table = measure_cells(job.labels, cells, job.images, job.options)
        return Measured(job, table, pieces, cells)
    rest: tuple[Any, ...] = (job.images, job.options, job.parents)
    if job.parents is not None:
        check_ids(job.parents, "Relabel the parents")
        table = measure_volumes(job.labels, *rest)
        yield Step("measure", 0, 1)
        parents = job.parents.calibrated_by([job.labels])
        return Measured(job, table, pieces, children=measure_parents(parents, table, job.options))
    if job.before is None:
        return Measured(job, measure_volumes(job.labels, *rest), pieces)
    last = job.before
    table = measure_edited(last.table, np.asarray(last.job.labels.array), job.labels, *rest)
    return Measured(job, table, pieces)


def split_job(labels: Volume) -> Steps[Volume]:
    """Give each connected component of a mask, or of labels, an id unique over all frames.

    Neighbours over corners are connected; different ids are not.
    """
    if np.asarray(labels.array).min(initial=0) < 0:
        raise InputError(f"{labels.name} has negative ids", hint="Labels must be 0 or larger")
    yield Step("find connected components", 0, 1)
    return separated(labels)


def link_job(labels: Volume) -> Steps[Tracked]:
    """Link the objects of a series of labels over time."""
    from ...measurement.track import track_steps

    return (yield from track_steps(labels))
