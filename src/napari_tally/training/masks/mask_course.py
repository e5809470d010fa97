"""The training of a network that returns masks: its batches and its validations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...core.errors import InputError
from ...core.progress import Step
from ...heads.validation_score import Score
from ...mask_sets.frame import Frame
from ..loop.course import Course, course_steps
from ..loop.validation import VALIDATE
from .mask_augmentation import views

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from ...core.progress import Steps
    from ...mask_sets.mask_set import MaskSet
    from ...mask_sets.readings import Reading
    from ..loop.history import Training
    from ..loop.hyperparameters import Schedule
    from .mask_learner import MaskLearner, Target
    from .mask_sample import MaskSample

_IOUS = (0.5, 0.6, 0.7, 0.8, 0.9)


def train_masks_steps(
    training: Sequence[MaskSample],
    validation: Sequence[MaskSample],
    options: Schedule,
    learner: MaskLearner,
    reading: Reading,
    folder: Path,
) -> Steps[Training]:
    """Fine-tune a network that returns masks; as `train_steps` does for prediction maps.

    Raises
    ------
    InputError
        If there are no images, or training diverges.
    """
    if not training:
        raise InputError("There are no labelled images to train on")
    return (
        yield from course_steps(MaskCourse(options, folder, learner, reading), training, validation)
    )


class MaskCourse(Course):
    """The training of a network that returns masks."""

    def __init__(
        self, options: Schedule, folder: Path, learner: MaskLearner, reading: Reading
    ) -> None:
        self.learner, self.reading = learner, reading
        super().__init__(options, folder, learner)

    def batches(
        self, samples: Sequence[MaskSample]
    ) -> Iterator[tuple[list[NDArray[np.float32]], Target]]:
        """Yield the remaining batches."""
        o = self.schedule
        count = 0 if self.state.stopped else o.steps * o.batch
        shape = (o.patch[0], o.patch[1])
        batch = []
        for one in views(samples, shape, count, o.seed, self.state.step * o.batch):
            batch.append(one)
            if len(batch) == o.batch:
                images, masks, classes = zip(*batch, strict=True)
                yield list(images), (masks, classes)
                batch = []

    def validate_steps(self, samples: Sequence[MaskSample]) -> Steps[Score | None]:
        """Score the network on whole images and keep its weights if they are the best.

        Without images there is no score, and the last weights are the best.
        """
        if not samples:
            self.keep()
            return None
        score = yield from mask_score_steps(
            self.learner.network, self.reading, samples, str(self.learner.device)
        )
        self.judge(score)
        return score


def mask_score_steps(
    network: nn.Module, reading: Reading, samples: Sequence[MaskSample], device: str
) -> Steps[Score]:
    """Score the objects that a network finds, in full where they overlap; yield every image."""
    precisions = []
    for number, sample in enumerate(samples):
        objects = found_masks(network, reading, sample, device)
        precisions.append(_precision(objects, *sample.masks()))
        yield Step(VALIDATE, number, len(samples))
    ap = np.mean(precisions, axis=0)
    mean = float(ap.mean())
    return Score(mean, {"ap50": float(ap[0]), "mean_ap": mean})


def found_masks(network: nn.Module, reading: Reading, sample: MaskSample, device: str) -> MaskSet:
    """Return the objects that a network finds in an image."""
    import torch

    network.eval()
    with torch.inference_mode():
        found = network(pixel_values=torch.from_numpy(sample.image[None]).to(device))
    arrays = {name: found[name].float().cpu().numpy() for name in reading.outputs}
    objects = reading.read(arrays, Frame.same((sample.image.shape[1], sample.image.shape[2])))
    assert objects.objects is not None
    return objects.objects


def _precision(
    found: MaskSet, masks: NDArray[np.bool_], classes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return AP = TP / (TP + FP + FN) at each IoU, of objects of the same class."""
    from scipy.optimize import linear_sum_assignment

    assert found.masks is not None
    if not len(found) and not len(masks):
        return np.ones(len(_IOUS))
    iou = np.zeros((len(found), len(masks)))
    sizes = masks.sum(axis=(1, 2))
    for i in range(len(found)):
        patch = found.masks.draw(i)
        height, width = patch.mask.shape
        part = masks[:, patch.top : patch.top + height, patch.left : patch.left + width]
        both = (part & patch.mask).sum(axis=(1, 2))
        iou[i] = both / np.maximum(1, sizes + patch.mask.sum() - both)
        iou[i, classes != found.classes[i] - 1] = 0
    precisions = []
    for least in _IOUS:
        rows, columns = linear_sum_assignment(-(iou * (iou >= least)))
        hits = int((iou[rows, columns] >= least).sum())
        precisions.append(hits / max(1, len(found) + len(masks) - hits))
    return np.array(precisions)
