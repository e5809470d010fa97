"""Compare predictions with ground truth, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.failures import Attempt
from ..core.progress import Step, Steps
from ..files.unchanged import unchanged
from ..metrics.aji import aggregated
from ..metrics.class_metrics import Agreement, agreements
from ..metrics.error_types import PREDICTED, match_outcomes, merges_and_splits
from ..metrics.match import match_overlaps, panoptic_counts
from ..metrics.overlaps import Overlaps, overlaps
from .evaluation import Evaluation
from .load_pair import Compared, Pair, read_pair
from .options import EvaluateOptions
from .scores import ClassScore, Problem, Scored

if TYPE_CHECKING:
    import pandas as pd

STAGE = "images"

ClassImages = tuple[NDArray[np.integer], NDArray[np.integer]]


def evaluate_steps(
    pairs: Sequence[Pair], options: EvaluateOptions | None = None, name: str = "prediction"
) -> Steps[Evaluation]:
    """Compare each prediction with its ground truth; images that fail go into `problems`."""
    options = options or EvaluateOptions()
    scored: list[Scored] = []
    problems: list[Problem] = []
    for number, pair in enumerate(pairs):
        with Attempt(pair.name) as attempt:
            scored.append(score_pair(pair, options))
        if attempt.error is not None:
            problems.append(Problem(pair.name, attempt.error, attempt.message))
        yield Step(STAGE, number + 1, len(pairs))
    return Evaluation(name, options, scored, problems)


def score_pair(pair: Pair, options: EvaluateOptions) -> Scored:
    """Compare one prediction with its ground truth.

    Raises
    ------
    TallyError
        If they cannot be compared; see `load_pair.read_pair`.
    """
    with unchanged(*_files(pair)):
        both = read_pair(pair, options)
    if options.kind == "classes":
        agreed = _agreements((both.predicted, both.ground_truth), both, options)
        scores = {each.class_id: ClassScore(each) for each in agreed}
        return Scored(pair, both.spacing, both.unit, classes=scores, notes=both.notes)
    overlap = overlaps(both.predicted, both.ground_truth)
    table = match_outcomes(overlap, options.iou[0])
    merges, splits = merges_and_splits(overlap)
    scores = {}
    if options.kind == "panoptic":
        table, scores = _by_class(table, both, overlap, options)
    return Scored(
        pair,
        both.spacing,
        both.unit,
        objects=table,
        matches=match_overlaps(overlap, options.iou),
        aggregated=aggregated(overlap),
        merges=merges,
        splits=splits,
        classes=scores,
        notes=(*both.notes, *_empty(overlap)),
    )


def _files(pair: Pair) -> list[Path]:
    """Return the sources of a pair that are files."""
    sources = (
        pair.predicted, pair.ground_truth, pair.predicted_classes, pair.ground_truth_classes,
    )  # fmt: skip
    return [source for source in sources if isinstance(source, Path)]


def _by_class(
    table: pd.DataFrame, both: Compared, overlap: Overlaps, options: EvaluateOptions
) -> tuple[pd.DataFrame, dict[int, ClassScore]]:
    """Return the table of objects with their classes, and the scores of each class."""
    predicted, true = _class_images(both)
    class_p, class_t = class_of(both.predicted, predicted), class_of(both.ground_truth, true)
    known_p = dict(zip(overlap.predicted_ids.tolist(), class_p.tolist(), strict=True))
    known_t = dict(zip(overlap.true_ids.tolist(), class_t.tolist(), strict=True))
    is_predicted = table["side"] == PREDICTED
    label, matched = table["label"], table["partner"]
    table["class"] = label.map(known_p).where(is_predicted, label.map(known_t)).astype(int)
    table["partner_class"] = (
        matched.map(known_t).where(is_predicted, matched.map(known_p)).astype(int)
    )
    agreed = _agreements((predicted, true), both, options)
    highest = max((each.class_id for each in agreed), default=0)
    segments = panoptic_counts((both.predicted, predicted), (both.ground_truth, true), highest)
    scores = {}
    for each in agreed:
        own = overlap.of(class_p == each.class_id, class_t == each.class_id)
        matches = match_overlaps(own, options.iou)
        scores[each.class_id] = ClassScore(each, matches, segments.of(each.class_id))
    return table, scores


def class_of(objects: NDArray[np.integer], classes: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the majority class of each object, in the order of ids; background (0) first.

    Voxels of class 0 do not count; an object with no others has class 0.
    """
    overlap = overlaps(objects, classes)
    order = np.lexsort(
        (-overlap.true, overlap.shared)
    )  # the class with most voxels is assigned last
    majority = np.zeros(overlap.n_predicted + 1, np.intp)
    majority[overlap.predicted[order]] = overlap.true[order]
    return overlap.true_ids[majority]


def _agreements(images: ClassImages, both: Compared, options: EvaluateOptions) -> list[Agreement]:
    tolerance = options.tolerance_in(both.unit, both.spacing)
    return agreements(*images, both.spacing, tolerance)


def _class_images(both: Compared) -> ClassImages:
    if both.predicted_classes is None or both.ground_truth_classes is None:
        raise InputError(
            "Panoptic evaluation needs the classes of prediction and ground truth as well",
            hint="Pass them as prediction_classes and ground_truth_classes",
        )
    return both.predicted_classes, both.ground_truth_classes


def _empty(overlap: Overlaps) -> tuple[str, ...]:
    """Return a note on how an image without objects is scored."""
    if overlap.n_predicted and overlap.n_true:
        return ()
    if overlap.n_predicted or overlap.n_true:
        return (
            f"no objects in the {'ground truth' if overlap.n_predicted else 'prediction'}: AP is 0",
        )
    return ("no objects in both: AP is 1",)
