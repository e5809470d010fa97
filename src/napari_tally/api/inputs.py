"""Inputs of the Python API: arrays, volumes or paths, all converted to volumes."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from ..core.options import note_rename
from ..core.quantity import Quantity, parse_quantity
from ..core.volume import Volume, guess_axes
from ..files import read

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    Image = Volume | str | os.PathLike[str] | ArrayLike
    Spacing = str | float | tuple[float, ...]

P = ParamSpec("P")
R = TypeVar("R")


def renamed_arguments(**former: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function accept the former names of its arguments, with a note."""

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: Any, **arguments: Any) -> R:
            for name in former.keys() & arguments.keys():
                note_rename(name, former[name])
                arguments[former[name]] = arguments.pop(name)
            return function(*args, **arguments)

        return call

    return decorated


def as_label_volume(labels: Image, spacing: Spacing | None = None) -> Volume:
    """Convert an array of labels, or a path to them, to a volume."""
    return as_volume(labels, label_axes(labels), spacing, labels=True)


def as_volume(
    image: Image,
    axes: str | None = None,
    spacing: Spacing | None = None,
    *,
    labels: bool = False,
) -> Volume:
    """Convert an array or a path to a volume."""
    if isinstance(image, Volume):
        volume = image
    elif isinstance(image, str | os.PathLike):
        volume = read(Path(image), axes=axes, labels=labels)
    else:
        array = image if hasattr(image, "shape") else np.asarray(image)
        shape = tuple(array.shape)
        names = ("red", "green", "blue", "alpha")[: shape[-1]] if _colour(shape, axes) else ()
        volume = Volume(array, axes or guess_axes(shape), channel_names=names)
    if spacing is None:
        return volume
    return volume.with_spacing(as_quantity(spacing))


def _colour(shape: tuple[int, ...], axes: str | None) -> bool:
    return axes is None and len(shape) == 3 and guess_axes(shape) == "YXC"


def as_quantity(spacing: Spacing) -> Quantity:
    if isinstance(spacing, str):
        return parse_quantity(spacing)
    values = (spacing,) if isinstance(spacing, int | float) else spacing
    return Quantity(tuple(float(v) for v in values), "um")


def label_axes(labels: Image) -> str | None:
    """Return the axes of an array of labels, which has neither channels nor colours."""
    shape = getattr(labels, "shape", None)
    if shape is None or isinstance(labels, Volume) or len(shape) not in (2, 3):
        return None
    return "ZYX"[-len(shape) :]


def image_axes(image: Image | None, grid: Volume, *, film: bool = False) -> str | None:
    """Return the axes of an image array on the grid of labels, with channels first or last.

    Those of a film begin with time.
    """
    shape = getattr(image, "shape", None)
    if shape is None or isinstance(image, Volume):
        return None
    if film and len(shape) > len(grid.shape) and "T" not in grid.axes:
        return "TC"[: len(shape) - len(grid.shape)] + grid.axes
    if len(shape) == len(grid.shape):
        return grid.axes
    return grid.axes + "C" if tuple(shape[:-1]) == grid.shape else "C" + grid.axes
