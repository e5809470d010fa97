"""A comparison that the Evaluate dock runs in the background."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...core.progress import Step, Steps
from ...metrics.error_types import PREDICTED, TRUE, outcome_image
from ...objects.binary_mask import pieces_of_mask, separated

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ...core.volume import Volume
    from ...evaluation.evaluation import Evaluation
    from ...evaluation.options import EvaluateOptions


@dataclass(frozen=True, eq=False)
class EvaluateJob:
    """Predictions and ground truth: copies, since layers may be painted meanwhile."""

    predictions: tuple[Volume, ...]
    ground_truth: Volume
    options: EvaluateOptions
    notes: tuple[str, ...] = ()  # on what was done to bring them to one grid

    def separated(self) -> EvaluateJob:
        """Return the job with binary masks split into connected components."""
        one, *rest = (
            separated(each) if pieces_of_mask(each) else each
            for each in (self.ground_truth, *self.predictions)
        )
        return replace(self, ground_truth=one, predictions=tuple(rest))


@dataclass(frozen=True, eq=False)
class Compared:
    """A finished comparison.

    Attributes
    ----------
    evaluations : tuple of Evaluation
        One per prediction, each of one image.
    places : dict
        For the first prediction ("predicted") and the ground truth ("true"): one row per object,
        with its bounding box.
    outcomes : dict
        For both sides, the error type of each voxel's object as in `metrics.error_types.CODES`;
        empty for classes.
    """

    job: EvaluateJob
    evaluations: tuple[Evaluation, ...]
    places: dict[str, pd.DataFrame]
    outcomes: dict[str, NDArray[np.uint8]]


def evaluate_job(job: EvaluateJob) -> Steps[Compared]:
    """Compare each prediction with the ground truth.

    Raises
    ------
    TallyError
        If a prediction cannot be compared.
    """
    from ...evaluation.evaluate import score_pair
    from ...evaluation.evaluation import Evaluation
    from ...evaluation.load_pair import Pair

    if job.options.separate and job.options.kind == "instances":
        job = job.separated()
    found = []
    for number, predicted in enumerate(job.predictions):
        yield Step("compare", number, len(job.predictions) + 1)
        scored = score_pair(Pair(predicted.name, predicted, job.ground_truth), job.options)
        found.append(Evaluation(predicted.name, job.options, [scored], []))
    yield Step("compare", len(job.predictions), len(job.predictions) + 1)
    sides = {PREDICTED: job.predictions[0], TRUE: job.ground_truth}
    objects = found[0].scored[0].objects
    if objects is None:
        return Compared(job, tuple(found), {}, {})
    arrays = {side: np.asarray(volume.array) for side, volume in sides.items()}
    outcomes = {side: outcome_image(array, objects, side) for side, array in arrays.items()}
    return Compared(job, tuple(found), {s: _places(v) for s, v in sides.items()}, outcomes)


def _places(labels: Volume) -> pd.DataFrame:
    from ...features.declare.options import Measurements
    from ...measurement.measure import measure_volumes

    return measure_volumes(labels, (), Measurements(groups=("place",)))
