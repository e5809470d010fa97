"""`napari_tally.evaluate`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.checked_options import checked
from ..core.errors import InputError
from ..core.progress import Step, drain
from ..evaluation.evaluate import evaluate_steps
from ..evaluation.evaluate_files import folder_pairs
from ..evaluation.load_pair import Pair, Source
from ..evaluation.options import EvaluateOptions
from ..files import stem
from .inputs import as_label_volume, as_quantity, renamed_arguments

if TYPE_CHECKING:
    from ..evaluation.evaluation import Evaluation
    from ..evaluation.scores import Problem
    from .inputs import Image, Spacing


@renamed_arguments(
    pred="predictions", truth="ground_truth", pred_classes="prediction_classes",
    truth_classes="ground_truth_classes",
)  # fmt: skip
def evaluate(
    predictions: Image | Sequence[Image],
    ground_truth: Image | Sequence[Image],
    *,
    prediction_classes: Image | Sequence[Image] | None = None,
    ground_truth_classes: Image | Sequence[Image] | None = None,
    spacing: Spacing | None = None,
    on_step: Callable[[Step], None] | None = None,
    **options: Any,
) -> Evaluation:
    """Compare predictions with their ground truth.

    Parameters
    ----------
    predictions, ground_truth : array, Volume or path, or a list of these
        Label images on one grid, shape (Y, X) or (Z, Y, X); or two folders, whose files are
        matched by name.
    prediction_classes, ground_truth_classes : the same, optional
        The class of each voxel, for `kind="panoptic"`. In folders these are the files whose names
        end in `_classes`.
    spacing : str, float or tuple of float, optional
        Voxel size, as text ("0.5,0.1,0.1um") or as numbers in µm. Default: read from the files.
    on_step : callable, optional
        Called with each `Step`, for a progress bar.
    **options
        The fields of `EvaluateOptions`: kind, iou, tolerance. The former names of arguments
        (`pred`, `truth`, `pred_classes`, `truth_classes`) are accepted with a note.

    Returns
    -------
    Evaluation
        With the tables `images`, `objects`, `classes` and `thresholds`, and a `summary`.

    Raises
    ------
    TallyError
        If a single image cannot be compared, or no files match. With several images, `problems`
        lists those that were left out.

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
    how = checked(EvaluateOptions, {"spacing": voxel, **options})
    unmatched: list[Problem] = []
    if isinstance(predictions, str | os.PathLike) and isinstance(ground_truth, str | os.PathLike):
        pairs, unmatched = folder_pairs(Path(predictions), Path(ground_truth), how)
    else:
        pairs = _pairs(predictions, ground_truth, prediction_classes, ground_truth_classes)
    evaluation = drain(evaluate_steps(pairs, how), on_step)
    if len(pairs) == 1 and evaluation.problems:
        raise evaluation.problems[0].error
    return replace(evaluation, problems=[*evaluation.problems, *unmatched])


def _pairs(*sources: Image | Sequence[Image] | None) -> list[Pair]:
    """Return the pairs of predictions and ground truth, with classes if given."""
    columns = [_several(source) for source in sources if source is not None]
    counts = [len(column) for column in columns]
    if len(set(counts)) > 1:
        raise InputError(
            f"There are {counts[0]} predictions but {counts[1]} ground truth images",
            hint="Give one ground truth image for each prediction",
        )
    rows = [[_source(image) for image in row] for row in zip(*columns, strict=True)]
    return [Pair(_name(row[1], f"image {i}"), *row) for i, row in enumerate(rows, 1)]


def _several(source: Image | Sequence[Image]) -> list[Any]:
    return list(source) if isinstance(source, list | tuple) else [source]


def _source(image: Image) -> Source:
    """Keep a path unread, so that a file that cannot be read does not stop the others."""
    if isinstance(image, str | os.PathLike):
        return Path(image)
    return as_label_volume(image)


def _name(source: Source, other: str) -> str:
    name = stem(source) if isinstance(source, Path) else source.name
    return other if name == "image" else name
