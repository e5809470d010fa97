"""`napari_tally.evaluate`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputError
from ..core.progress import Step, drain
from ..evaluation.evaluate import evaluate_steps
from ..evaluation.evaluate_files import folder_pairs
from ..evaluation.load_pair import Pair, Source
from ..evaluation.options import EvaluateOptions
from ..files import stem
from .inputs import as_quantity, as_volume, label_axes

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation
    from ..evaluation.scores import Problem
    from .inputs import Image, Spacing


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

    Examples
    --------
    >>> import numpy as np
    >>> import napari_tally
    >>> ground_truth = np.zeros((8, 8), np.uint8)
    >>> ground_truth[1:4, 1:4], ground_truth[5:7, 5:7] = 1, 2
    >>> prediction = np.where(ground_truth == 1, 1, 0)  # misses the second object
    >>> evaluation = napari_tally.evaluate(prediction, ground_truth)
    >>> evaluation.summary["precision"], evaluation.summary["recall"]
    (1.0, 0.5)
    """
    voxel = None if spacing is None else str(as_quantity(spacing))
    told = EvaluateOptions(spacing=voxel, **options)
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
