"""Measurements in words, with what the user should know about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...objects.summary import summary

if TYPE_CHECKING:
    import pandas as pd

    from .job import Measured

_MOST_NOTES = 3  # on images, of which a mosaic may have many
_WIDE = 4  # times as many ids as objects: rows of a features table without an object


def report(measured: Measured, *, are_axes_guessed: bool) -> str:
    """Return the count and median size, and remarks, one a line."""
    lines = _lines(measured, are_axes_guessed)
    return "\n".join([f"{summary(measured.table)}.", *lines])


def has_gaps(table: pd.DataFrame) -> bool:
    """Tell whether most ids up to the largest one have no object."""
    return bool(len(table)) and int(table["label"].max()) > _WIDE * len(table)


def _lines(measured: Measured, are_axes_guessed: bool) -> Iterator[str]:
    job, table = measured.job, measured.table
    labels = job.labels
    if are_axes_guessed:
        series = " Write TYX in Axes for a time series." if labels.axes == "ZYX" else ""
        yield f"The axes of {labels.name} are unknown: {labels.axes} is assumed.{series}"
    if measured.pieces:
        yield (
            f"Is this one object or {measured.pieces:,} connected components? {labels.name} is a"
            f" binary mask: all of it has the id {int(table['label'].max())}."
        )
    elif "pieces" in table and (table["pieces"] > 1).any():
        split = int((table["pieces"] > 1).sum())
        yield f"{split:,} ids have several connected components, each id measured as one object."
    if measured.children is not None:
        yield _children(measured.children)
    if not labels.calibrated and not any(i.calibrated for i in job.images):
        yield "The voxel size is unknown: lengths are in px."
    yield from (f"{note}." for note in _first(job.notes))
    if has_gaps(table) and not measured.pieces:
        yield "The ids have large gaps. Relabel makes them consecutive."


def _first(notes: Sequence[str]) -> list[str]:
    """Return the first notes, and how many there are more."""
    more = len(notes) - _MOST_NOTES
    return [*notes[:_MOST_NOTES], *([f"And {more} more images elsewhere"] if more > 0 else [])]


def _children(children: pd.DataFrame) -> str:
    """Return how many objects are inside the parents."""
    counts = children["children_count"]
    typical = f", median {counts.median():g} per parent" if len(counts) else ""
    return f"{counts.sum():,} are inside {len(counts):,} parents{typical}."
