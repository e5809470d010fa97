"""Cells as expanded nuclei, both measured in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..features.declare.options import Measurements
from ..objects.expand import grown
from ..objects.relabel import as_labels
from .measure import measure_volumes

if TYPE_CHECKING:
    import pandas as pd

    from ..core.quantity import Quantity
    from ..core.volume import Volume

# Groups that are measured in rings.
_RING = ("size", "intensity", "balance", "distribution", "colocalization")


def cells_of(nuclei: Volume, distance: Quantity) -> Volume:
    """Expand nuclei by a distance without overlap: a cell has the id of its nucleus.

    Parameters
    ----------
    nuclei : Volume
        Labels; with an axis T, each frame is expanded separately.
    distance : Quantity
        A length; in px for labels without calibration.

    Raises
    ------
    InputError
        If the unit of the distance does not fit the calibration of the labels.
    """
    unit = nuclei.unit if nuclei.calibrated else "px"
    (radius,) = distance.to(unit)
    spacing = nuclei.spacing_in(unit)
    array = np.asarray(nuclei.array)
    if "T" not in nuclei.axes:
        return replace(nuclei, array=_expanded(array, radius, spacing), is_labels=True)
    place = nuclei.axes.index("T")
    frames = [_expanded(frame, radius, spacing) for frame in np.moveaxis(array, place, 0)]
    return replace(nuclei, array=np.moveaxis(np.stack(frames), 0, place), is_labels=True)


def _expanded(
    labels: NDArray[np.integer], radius: float, spacing: Sequence[float]
) -> NDArray[np.integer]:
    """Expand labels, which keep their ids."""
    compact, ids = as_labels(labels)
    old = np.concatenate([np.zeros(1, ids.dtype), ids])
    expanded: NDArray[np.integer] = old[grown(compact, radius, spacing)]
    return expanded


def measure_cells(
    nuclei: Volume,
    cells: Volume,
    images: Sequence[Volume] = (),
    options: Measurements | None = None,
) -> pd.DataFrame:
    """Measure nuclei, their cells, and the rings between: columns `...`, `cell_...`, `ring_...`.

    Parameters
    ----------
    nuclei, cells : Volume
        Labels on one grid; a cell has the id of its nucleus.
    images : sequence of Volume
        Images on the same grid.
    options : Measurements, optional
        What to measure; in rings only size and intensities are measured.

    Raises
    ------
    InputError
        If a nucleus has no cell with its id.
    """
    options = options or Measurements()
    of_ring = Measurements(groups=tuple(g for g in options.groups if g in _RING))
    whole, core = np.asarray(cells.array), np.asarray(nuclei.array)
    ring = replace(cells, array=np.where(core > 0, 0, whole))
    table = measure_volumes(nuclei, images, options)
    keys = [k for k in ("t", "label") if k in table]
    for prefix, part, what in (("cell_", cells, options), ("ring_", ring, of_ring)):
        other = measure_volumes(part, images, what).set_index(keys).add_prefix(prefix)
        if prefix == "cell_" and len(other) < len(table):
            raise InputError(
                f"There are {len(table):,} nuclei but {len(other):,} cells with their ids",
                hint="Each nucleus needs a cell with the same id",
            )
        table = table.join(other, on=keys)
    return table
