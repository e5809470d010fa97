"""What the Evaluate dock asks for, as plain values, and the steps that do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...core.progress import Step, Steps
from ...metrics.error_types import PREDICTED, TRUE, outcome_image

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ...core.volume import Volume
    from ...evaluation.evaluation import Evaluation
    from ...evaluation.options import EvaluateOptions


@dataclass(frozen=True, eq=False)
class EvaluateJob:
    """Predictions and their truth; copies, since one may paint while it runs."""

    predictions: tuple[Volume, ...]
    truth: Volume
    options: EvaluateOptions


@dataclass(frozen=True, eq=False)
class Compared:
    """A job, what came of each prediction, and where objects are.

    Attributes
    ----------
    evaluations : tuple of Evaluation
        One a prediction, each of one image.
    places : dict
        Of the first prediction ("predicted") and of the truth ("true"): a row an object, with
        its bounding box.
    fates : dict
        The error type of each voxel's object on either side, by `metrics.error_types.CODES`; empty
        for classes.
    """

    job: EvaluateJob
    evaluations: tuple[Evaluation, ...]
    places: dict[str, pd.DataFrame]
    fates: dict[str, NDArray[np.uint8]]


def evaluate_job(job: EvaluateJob) -> Steps[Compared]:
    """Compare each prediction with the truth.

    Raises
    ------
    TallyError
        If one cannot be compared.
    """
    from ...evaluation.evaluate import score_pair
    from ...evaluation.evaluation import Evaluation
    from ...evaluation.load_pair import Pair

    found = []
    for number, predicted in enumerate(job.predictions):
        yield Step("compare", number, len(job.predictions) + 1)
        scored = score_pair(Pair(predicted.name, predicted, job.truth), job.options)
        found.append(Evaluation(predicted.name, job.options, [scored], []))
    yield Step("compare", len(job.predictions), len(job.predictions) + 1)
    sides = {PREDICTED: job.predictions[0], TRUE: job.truth}
    objects = found[0].scored[0].objects
    if objects is None:
        return Compared(job, tuple(found), {}, {})
    arrays = {side: np.asarray(volume.array) for side, volume in sides.items()}
    fates = {side: outcome_image(array, objects, side) for side, array in arrays.items()}
    return Compared(job, tuple(found), {s: _places(v) for s, v in sides.items()}, fates)


def _places(labels: Volume) -> pd.DataFrame:
    from ...features.declare.options import Measurements
    from ...measurement.measure import measure_volumes

    return measure_volumes(labels, (), Measurements(groups=("place",)))
