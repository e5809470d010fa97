"""Bring labels, images and parents together before they are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import InputError
from ..geometry.place import on_grid_of
from ..objects.binary_mask import mask_note, separated, with_ids

if TYPE_CHECKING:
    from ..core.volume import Volume


@dataclass(frozen=True, eq=False)
class MeasureInputs:
    """Labels, and what is measured with them, on one grid.

    Attributes
    ----------
    labels : Volume
        Integer ids, without channels.
    images : tuple of Volume
    parents : Volume, optional
    notes : tuple of str
        What was done to bring them together, and remarks on the labels.
    """

    labels: Volume
    images: tuple[Volume, ...] = ()
    parents: Volume | None = None
    notes: tuple[str, ...] = ()


def measure_inputs(
    labels: Volume,
    images: Sequence[Volume] = (),
    parents: Volume | None = None,
    *,
    separate: bool = False,
    static_labels: bool = False,
    resample: bool = False,
) -> MeasureInputs:
    """Return what `on_one_grid` does, with labels that are split into objects if requested.

    A binary mask is noted otherwise: is it one object, or one for each connected component?

    Raises
    ------
    InputError
        See `on_one_grid`.
    """
    given = _without_channel(labels)
    labels = with_ids(given)
    note = "" if separate else mask_note(labels)
    notes = [f"{note}; --separate makes an object of each"] if note else []
    if given.array.dtype.kind == "b" and not separate and labels.array.any():
        notes.append(f"{given.name} is a mask; its connected components are measured as objects")
    found = on_one_grid(
        separated(labels) if separate else labels,
        images,
        parents,
        static_labels=static_labels,
        resample=resample,
    )
    return replace(found, notes=(*notes, *found.notes))


def on_one_grid(
    labels: Volume,
    images: Sequence[Volume] = (),
    parents: Volume | None = None,
    *,
    static_labels: bool = False,
    resample: bool = False,
) -> MeasureInputs:
    """Return labels, and images and parents on their grid.

    Parameters
    ----------
    static_labels : bool
        Repeat what has no time axis in every frame of those that have one.
    resample : bool
        Resample images and parents that lie on another grid.

    Raises
    ------
    InputError
        If labels have channels, or images or parents other axes or another place.
    """
    labels = with_ids(_without_channel(labels)).calibrated_by(images)
    others = [*images, *([] if parents is None else [replace(with_ids(parents), is_labels=True)])]
    flat = "".join(axis for axis in "TZ" if axis not in labels.axes)
    others = [other.squeezed(flat) for other in others]
    if static_labels:
        labels, *others = _in_every_frame([labels, *others])
    notes = []
    for number, other in enumerate(others):
        _check_axes(labels, other)
        others[number], note = on_grid_of(other, labels, resample=resample)
        notes.append(note)
    found = None if parents is None else others.pop()
    return MeasureInputs(labels, tuple(others), found, tuple(filter(None, notes)))


def _without_channel(labels: Volume) -> Volume:
    labels = labels.squeezed("C")
    if "C" in labels.axes:
        raise InputError(f"Labels must not have channels, but {labels.name} has axes {labels.axes}")
    return labels


def _in_every_frame(volumes: Sequence[Volume]) -> list[Volume]:
    """Return volumes of which those without time axis are repeated as often as others need."""
    frames = max((v.shape[v.axes.index("T")] for v in volumes if "T" in v.axes), default=0)
    return [
        v
        if "T" in v.axes or not frames
        else replace(v, array=np.broadcast_to(v.array, (frames, *v.shape)), axes="T" + v.axes)
        for v in volumes
    ]


def _check_axes(labels: Volume, other: Volume) -> None:
    axes = other.axes.replace("C", "")
    if axes == labels.axes:
        counts = [v.shape[v.axes.index("T")] if "T" in v.axes else 1 for v in (other, labels)]
        if counts[0] != counts[1]:
            raise InputError(
                f"{other.name} has {counts[0]} frames, but {labels.name} has {counts[1]}"
            )
        return
    hint = "Images may only have channels (C) in addition"
    if axes.replace("T", "") == labels.axes.replace("T", ""):
        still, film = (labels, other) if "T" in axes else (other, labels)
        hint = f"To use {still.name} in every frame of {film.name}, add --static-labels"
    raise InputError(
        f"{other.name} has axes {other.axes}, but {labels.name} has {labels.axes}", hint=hint
    )
