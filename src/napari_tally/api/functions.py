"""The main job as plain functions: arrays, volumes or paths in, results out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.progress import Step, drain
from ..core.quantity import Quantity, parse_quantity
from ..core.volume import Volume, guess_axes
from ..evaluation.evaluate import evaluate_steps
from ..evaluation.evaluate_files import folder_pairs
from ..evaluation.evaluation import EvaluateOptions
from ..evaluation.load_pair import Pair, Source
from ..features.declare.options import DEFAULT
from ..files import read, stem
from ..measurement.measure import calibrated_by, measure_volumes
from ..measurement.options import measurements
from ..models.bundle import SHIPPED_DEFAULT, Model, default_model, load_model
from ..models.copy_bundle import check_target, copy_model
from ..segmentation.segment import segment_steps
from ..segmentation.setup.options import SegmentOptions
from ..segmentation.tune import TuneOptions, Tuning, tune_steps

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from ..evaluation.evaluation import Evaluation, Problem
    from ..segmentation.result import Result

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
    *,
    parents: Image | None = None,
    groups: Sequence[str] = DEFAULT,
    ring: str | float | None = None,
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
    parents : array, Volume or path, optional
        Labels on the same grid in which the objects lie: cells of nuclei, organs of lesions.
    groups : sequence of str
        Groups of measurements (`features.registry.GROUPS`; "all" for each of them), beside size and
        place.
    ring : str or float, optional
        Width of the ring of background around an object, as text ("2um") or as a number in µm.

    Returns
    -------
    pandas.DataFrame
        One row an object; units are in the names of the columns.
    """
    grid = as_volume(labels, label_axes(labels), spacing)
    # A spacing that is told is that of the grid: what the image's file says does not count then.
    images = [] if image is None else [as_volume(image, image_axes(image, grid), spacing)]
    holder = None if parents is None else as_volume(parents, label_axes(parents), spacing)
    width = None if ring is None else _quantity(ring)
    options = measurements(groups, width, calibrated_by(grid, images))
    return measure_volumes(grid, images, options, holder)


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


def evaluate(
    pred: Image | Sequence[Image],
    truth: Image | Sequence[Image],
    *,
    pred_classes: Image | Sequence[Image] | None = None,
    truth_classes: Image | Sequence[Image] | None = None,
    spacing: Spacing | None = None,
    on_step: Callable[[Step], None] | None = None,
    **options: Any,
) -> Evaluation:
    """Compare predictions with their truth.

    Parameters
    ----------
    pred, truth : array, Volume or path, or a list of such
        Label images on one grid, shape (Y, X) or (Z, Y, X); or two folders, of which files of the
        same names are compared.
    pred_classes, truth_classes : the same, optional
        The class of each voxel, for objects with classes: `kind="panoptic"`. Of folders these are
        the files that end in `_classes`.
    spacing : str, float or tuple of float, optional
        Size of a voxel, as text ("0.5,0.1,0.1um") or as numbers in µm, where files do not say it.
    on_step : callable, optional
        Called with each `Step`, for a progress bar.
    **options
        The fields of `EvaluateOptions`: kind, iou, tolerance.

    Returns
    -------
    Evaluation
        With the tables `images`, `objects`, `classes` and `thresholds`, and a `summary`.

    Raises
    ------
    TallyError
        If none of the images can be compared; else `problems` tells of those that were left out.
    """
    told = EvaluateOptions(spacing=None if spacing is None else str(_quantity(spacing)), **options)
    alone: list[Problem] = []
    if isinstance(pred, str | os.PathLike) and isinstance(truth, str | os.PathLike):
        pairs, alone = folder_pairs(Path(pred), Path(truth), told)
    else:
        pairs = _pairs(pred, truth, pred_classes, truth_classes)
    found = drain(evaluate_steps(pairs, told), on_step)
    if len(pairs) == 1 and found.problems:
        raise found.problems[0].error
    return replace(found, problems=[*found.problems, *alone])


def _pairs(*sources: Image | Sequence[Image] | None) -> list[Pair]:
    """Return predictions, truth and maybe their classes, of each image."""
    columns = [_several(source) for source in sources if source is not None]
    counts = [len(column) for column in columns]
    if len(set(counts)) > 1:
        raise InputError("As many predictions as truths are needed", f"{counts[0]} and {counts[1]}")
    rows = [[_source(image) for image in row] for row in zip(*columns, strict=True)]
    return [Pair(_name(row[1], f"image {i}"), *row) for i, row in enumerate(rows, 1)]


def _several(source: Image | Sequence[Image]) -> list[Any]:
    return list(source) if isinstance(source, list | tuple) else [source]


def _source(image: Image) -> Source:
    """Return a path as it is, so that a file that cannot be read does not stop the others."""
    if isinstance(image, str | os.PathLike):
        return Path(image)
    return as_volume(image, label_axes(image))


def _name(source: Source, other: str) -> str:
    name = stem(source) if isinstance(source, Path) else source.name
    return other if name == "image" else name


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
