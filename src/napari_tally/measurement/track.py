"""Tracking: an object keeps its id over time until it divides or disappears."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..core.errors import InputError
from ..core.options import Options
from ..core.progress import Step, Steps
from ..features.declare.options import Measurements
from ..metrics.overlaps import overlaps
from ..objects.relabel import as_labels, smallest
from ..objects.summary import size_column
from .measure import measure_volumes

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume

STAGE = "link"
_UNIQUE_IOU = 0.5  # above it a match is unique
_MEASURED = Measurements(groups=("size", "place"))


class TrackOptions(Options):
    """How the objects of a time series are linked."""

    max_distance: float | None = Field(
        None,
        gt=0,
        description="Maximum displacement of a centroid between frames, in the unit of the table. "
        "Default: the median diameter of the objects.",
    )
    gap: int = Field(
        1, ge=0, description="Maximum number of frames in which an object may be missing."
    )
    divisions: bool = Field(True, description="Allow an object to divide in two.")


@dataclass(frozen=True, eq=False)
class Tracked:
    """The linked objects of a time series.

    Attributes
    ----------
    labels : Volume
        Labels whose ids are those of the tracks.
    tracks : pandas.DataFrame
        One row per object and frame: `track`, `t`, and the centroid in the labels' unit (`z`, `y`,
        `x`), as napari's Tracks layer takes them.
    graph : dict
        The parent tracks of each track that results from a division.
    """

    labels: Volume
    tracks: pd.DataFrame
    graph: dict[int, list[int]]


def track_steps(labels: Volume, options: TrackOptions | None = None) -> Steps[Tracked]:
    """Link objects from frame to frame; yield after every frame.

    Objects of neighbouring frames with an IoU above 0.5 are linked; others are linked by the
    distance of their centroids, across missing frames too, minimizing the sum of squared
    distances, by laptrack (Fukai & Kawaguchi, 2022,
    https://doi.org/10.1093/bioinformatics/btac799), which follows Jaqaman et al., 2008.

    Raises
    ------
    InputError
        If there is no axis T, or laptrack is not installed.
    """
    if find_spec("laptrack") is None:
        raise InputError(
            "Tracking needs the package laptrack",
            hint='Install it with: pip install "napari-tally[tracking]"',
        )
    if "T" not in labels.axes:
        raise InputError(f"Tracking needs a time axis (T), but {labels.name} has {labels.axes}")
    options = options or TrackOptions()
    frames = np.moveaxis(np.asarray(labels.array), labels.axes.index("T"), 0)
    edges: list[NDArray[np.intp]] = []
    start = 0
    for t in range(len(frames) - 1):
        yield Step(STAGE, t, len(frames))
        overlap = overlaps(frames[t], frames[t + 1])
        matched = overlap.iou > _UNIQUE_IOU
        after = start + overlap.n_predicted
        edges.append(
            np.stack(
                [start - 1 + overlap.predicted[matched], after - 1 + overlap.true[matched]], axis=1
            )
        )
        start = after
    table = measure_volumes(replace(labels, is_labels=True), (), _MEASURED)
    yield Step(STAGE, len(frames), len(frames))
    if not len(table):
        return Tracked(labels, _tracks(table, np.zeros(0, int)), {})
    ids, graph = _linked(table, np.concatenate(edges) if edges else np.zeros((0, 2), int), options)
    return Tracked(_relabelled(labels, frames, table, ids), _tracks(table, ids), graph)


def _linked(
    table: pd.DataFrame, edges: NDArray[np.intp], options: TrackOptions
) -> tuple[NDArray[np.int64], dict[int, list[int]]]:
    """Return the track of each row, numbered from 1 as they appear, and the parents of tracks."""
    from laptrack import LapTrack

    places = _places(table)
    distance = options.max_distance or _median_diameter(table)
    tracker = LapTrack(
        metric="sqeuclidean",
        cutoff=distance**2,
        gap_closing_metric="sqeuclidean",
        gap_closing_cutoff=distance**2 if options.gap else False,
        gap_closing_max_frame_count=options.gap + 1,  # it counts from the last detection
        splitting_metric="sqeuclidean",
        splitting_cutoff=distance**2 if options.divisions else False,
        merging_cutoff=False,
    )
    data = table[["t"]].assign(**places, row=np.arange(len(table)))
    linked, splits, _ = tracker.predict_dataframe(
        data,
        list(places),
        frame_col="t",
        only_coordinate_cols=False,
        connected_edges=[(int(a), int(b)) for a, b in edges],
    )
    tracks = linked.sort_values("row")["track_id"].to_numpy(np.int64)
    ids, first = np.unique(tracks, return_index=True)
    number = dict(zip(ids[np.argsort(first)].tolist(), range(1, len(ids) + 1), strict=True))
    graph = {
        number[int(child)]: [number[int(parent)]]
        for parent, child in zip(
            splits.get("parent_track_id", ()), splits.get("child_track_id", ()), strict=True
        )
    }
    return np.array([number[int(track)] for track in tracks]), graph


def _median_diameter(table: pd.DataFrame) -> float:
    name = next(c for c in table if str(c).startswith("equivalent_diameter"))
    return float(table[name].median())


def _places(table: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return the centroids along Z, Y and X, in the unit of the table."""
    unit = size_column(table).partition("_")[2].rstrip("23")
    axes = [a for a in "zyx" if f"centroid_{a}_{unit}" in table]
    return {a: table[f"centroid_{a}_{unit}"].to_numpy(np.float64) for a in axes}


def _tracks(table: pd.DataFrame, ids: NDArray[np.int64]) -> pd.DataFrame:
    tracks = table[["t"]].assign(**_places(table))
    tracks.insert(0, "track", ids)
    return tracks.sort_values(["track", "t"], ignore_index=True)


def _relabelled(
    labels: Volume, frames: NDArray[Any], table: pd.DataFrame, ids: NDArray[np.int64]
) -> Volume:
    """Give each object the id of its track."""
    new = np.zeros(frames.shape, smallest(int(ids.max())))
    for t, frame in enumerate(frames):
        own = np.concatenate([[0], ids[table["t"] == t]]).astype(new.dtype)
        new[t] = own[as_labels(frame)[0]]
    array = np.moveaxis(new, 0, labels.axes.index("T"))
    return replace(labels, array=array, is_labels=True)
