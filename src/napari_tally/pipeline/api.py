"""The main job as plain functions: arrays, volumes or paths in, results out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.progress import Step, drain
from ..core.quantity import Quantity, parse_quantity
from ..core.volume import Volume, guess_axes
from ..files import read
from ..models.folder import SHIPPED_DEFAULT, Model, default_model, load_model
from ..models.tuned import check_target, copy_model
from .measure import measure_volumes
from .options import SegmentOptions
from .segment import segment_steps
from .tune import TuneOptions, Tuning, tune_steps

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from .result import Result

    Image = Volume | str | os.PathLike[str] | ArrayLike
    Spacing = str | float | tuple[float, ...]


def segment(
    image: Image,
    model: str | Path | Model | None = None,
    *,
    axes: str | None = None,
    spacing: Spacing | None = None,
    on_step: Callable[[Step], None] | None = None,
    **options: Any,
) -> Result:
    """Find, separate and measure the objects of an image.

    Parameters
    ----------
    image : array, Volume or path
        What to segment.
    model : str, path or Model
        A shipped model by its name, or a model folder; nuclei in 2D or, for a stack, in 3D if not
        given.
    axes : str, optional
        One letter of TCZYX an axis; read from the file or guessed from the shape if not given.
    spacing : str, float or tuple of float, optional
        Size of a voxel, as text ("0.5,0.1,0.1um") or as numbers in µm.
    on_step : callable, optional
        Called with each `Step`, for a progress bar.
    **options
        The fields of `SegmentOptions`: channel, object_size, min_size, threshold, device, ...

    Returns
    -------
    Result
        With `labels`, `table` and `summary`.

    Raises
    ------
    TallyError
        If the image, an option or the model cannot be used; the message says why.
    """
    volume = as_volume(image, axes, spacing)
    loaded = model if isinstance(model, Model) else load_model(model or default_model(volume))
    return drain(segment_steps(volume, loaded, SegmentOptions(**options)), on_step)


def measure(
    labels: Image,
    image: Image | None = None,
    spacing: Spacing | None = None,
) -> pd.DataFrame:
    """Measure the objects of a label image, shape (Y, X) or (Z, Y, X).

    Parameters
    ----------
    labels : array, Volume or path
        One id an object, 0 elsewhere. A mask (bool) is separated into its connected components.
    image : array, Volume or path, optional
        Intensities on the same grid, with channels or without.
    spacing : str, float or tuple of float, optional
        Size of a voxel, as text ("0.5,0.1,0.1um") or as numbers in µm; read from the labels' file,
        or else from the image's, if not given.

    Returns
    -------
    pandas.DataFrame
        One row an object; units are in the names of the columns.
    """
    grid = as_volume(labels, label_axes(labels), spacing)
    images = [] if image is None else [as_volume(image, image_axes(image, grid))]
    return measure_volumes(grid, images)


def tune(
    pairs: Sequence[tuple[Image, Image]],
    model: str | Path | Model = SHIPPED_DEFAULT,
    *,
    output: str | Path | None = None,
    on_step: Callable[[Step], None] | None = None,
    **options: Any,
) -> Tuning:
    """Choose threshold, the head's numbers and smallest size of a model by labelled images.

    Parameters
    ----------
    pairs : sequence of (image, labels)
        Arrays, volumes or paths; labels have one id an object.
    model : str, path or Model
        One that separates objects.
    output : path, optional
        A new folder for the model with these numbers.
    on_step : callable, optional
        Called with each `Step`, for a progress bar.
    **options
        The fields of `TuneOptions`.

    Returns
    -------
    Tuning
        With `info`, what the tuned model says of itself, and the scores before and after.

    Raises
    ------
    TallyError
        If an image, its labels or the model cannot be used; the message says why.
    """
    loaded = model if isinstance(model, Model) else load_model(model)
    if output is not None:
        check_target(Path(output), overwrite=False)
    volumes = [(as_volume(i), as_volume(labels, label_axes(labels))) for i, labels in pairs]
    found = drain(tune_steps(volumes, loaded, TuneOptions(**options)), on_step)
    if output is not None:
        copy_model(loaded, found.info, Path(output))
    return found


def as_volume(image: Image, axes: str | None = None, spacing: Spacing | None = None) -> Volume:
    """Return an array, a path or a volume as a volume."""
    if isinstance(image, Volume):
        volume = image
    elif isinstance(image, str | os.PathLike):
        volume = read(Path(image), axes=axes)
    else:
        array = image if hasattr(image, "shape") else np.asarray(image)
        shape = tuple(array.shape)
        names = ("red", "green", "blue", "alpha")[: shape[-1]] if _colour(shape, axes) else ()
        volume = Volume(array, axes or guess_axes(shape), channel_names=names)
    if spacing is None:
        return volume
    return volume.with_spacing(_quantity(spacing))


def _colour(shape: tuple[int, ...], axes: str | None) -> bool:
    return axes is None and len(shape) == 3 and guess_axes(shape) == "YXC"


def _quantity(spacing: Spacing) -> Quantity:
    if isinstance(spacing, str):
        return parse_quantity(spacing)
    values = (spacing,) if isinstance(spacing, int | float) else spacing
    return Quantity(tuple(float(v) for v in values), "um")


def label_axes(labels: Image) -> str | None:
    """Return the axes of bare labels, which have neither channels nor colours."""
    shape = getattr(labels, "shape", None)
    if shape is None or isinstance(labels, Volume) or len(shape) not in (2, 3):
        return None
    return "ZYX"[-len(shape) :]


def image_axes(image: Image, grid: Volume) -> str | None:
    """Return the axes of a bare image beside labels: channels are first, or last for colours."""
    shape = getattr(image, "shape", None)
    if shape is None or isinstance(image, Volume):
        return None
    if len(shape) == len(grid.shape):
        return grid.axes
    return grid.axes + "C" if tuple(shape[:-1]) == grid.shape else "C" + grid.axes
