"""A fine-tuning of a network that returns masks, from its images to the model folder."""

from __future__ import annotations

import json
import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.atomic import remove_folder
from ..core.errors import InputError
from ..mask_sets.resolve import resolve
from ..models.bundle import load_model, save_described
from ..models.weights import inside
from ..network.runtimes.transformers_config import CONFIG, checked_config
from ..network.runtimes.transformers_weights import WEIGHTS, with_classes
from .data.labelled_image import in_planes
from .loop.checkpoint import BEST, best_weights
from .loop.history import Training
from .masks.mask_course import found_masks, mask_score_steps, train_masks_steps
from .masks.mask_learner import MaskLearner
from .masks.mask_sample import mask_samples_steps
from .model_card import BY_USER, Made, best_scores, write_model
from .plan.mask_plan import MaskPlan
from .trained import Trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..core.progress import Steps
    from ..mask_sets.readings import Reading
    from ..models.model_info import ModelInfo
    from ..network.distributed import Team
    from .data.labelled_image import Labelled
    from .masks.mask_sample import MaskSample
    from .plan.options import TrainingOptions
    from .plan.planner import Planned

_SIDE_FILES = "*.json", "*.txt"  # of the preprocessing and of tokenizers


class MaskTraining:
    """A running fine-tuning, from preprocessing to the model folder."""

    def __init__(
        self, planned: Planned, output: Path, work: Path, options: TrainingOptions, team: Team
    ) -> None:
        assert isinstance(planned.plan, MaskPlan)
        if team.size > 1:
            raise InputError(
                "Networks that return masks are trained by one process",
                hint="Start it without torchrun",
            )
        self.plan, self.split = planned.plan, planned.split
        self.output, self.work, self.options = output, work, options
        self.start = load_model(options.start or "")
        self.training = Training()
        self.parts: dict[str, list[MaskSample]] = {}
        if not options.resume:
            if work.exists():
                remove_folder(work)
            planned.write(work)

    @property
    def folder(self) -> Path:
        """The folder of the network to start from."""
        assert self.start.info.runtime is not None
        return inside(self.start.folder, Path(self.start.info.runtime.file))

    @property
    def reading(self) -> Reading:
        """The meaning of the outputs, with the classes of the plan."""
        reading = self.start.info.reading
        assert reading is not None
        return reading.model_copy(update={"classes": self.plan.head.classes})

    @property
    def info(self) -> ModelInfo:
        """The description of the model to be made."""
        old, o = self.start.info, self.options
        return old.model_copy(
            update={
                "name": o.name or self.output.name,
                "version": "1.0.0",
                "description": o.description or f"{old.description}; fine-tuned on own images",
                "licence": o.licence,
                "head": self.plan.head,
                "reading": self.reading,
                "data": o.data,
                "source": None,
                "metrics": {},
            }
        )

    @cached_property
    def learner(self) -> MaskLearner:
        """The network in training."""
        schedule = self.plan.schedule(self.options.seed, tensorboard=self.options.tensorboard)
        classes = self.plan.head.classes if self.plan.new_classes else ()
        return MaskLearner(schedule, self.folder, classes, self.options.device)

    def prepare_steps(self, images: Sequence[Labelled]) -> Steps[None]:
        """Preprocess the images of each set."""
        for part, own in self.split.parts(images).items():
            chosen = in_planes(own, 2)
            self.parts[part] = yield from mask_samples_steps(
                chosen, self.start, self.plan.class_ids
            )

    def fit_steps(self) -> Steps[None]:
        """Train, and store the record."""
        self.training = yield from train_masks_steps(
            self.parts["training"],
            self.parts["validation"],
            self.learner.options,
            self.learner,
            self.reading,
            self.work,
        )

    def stopped(self) -> None:
        """Make a model of the best weights so far."""
        if (self.work / BEST).exists():
            self.training = Training.read(self.work)
            self.training.stopped = self.training.stopped or BY_USER
            self._write(self.info, None)

    def finish_steps(self) -> Steps[Trained]:
        """Score the test set, draw a picture and write the model."""
        learner, test = self.learner, self.parts["test"]
        learner.network.load_state_dict(best_weights(self.work))
        score = None
        if test:
            device = str(learner.device)
            found = yield from mask_score_steps(learner.network, self.reading, test, device)
            score = found.numbers
        numbers = dict(score or best_scores(self.training))
        info = self.info.model_copy(update={"metrics": numbers})
        self._write(info, score)
        if not self.options.tensorboard:
            remove_folder(self.work)
        return Trained(self.output, info, self.plan, self.split, self.training, score)

    def _write(self, info: ModelInfo, test: Mapping[str, float] | None) -> None:
        shown = (self.parts["test"] or self.parts["validation"] or self.parts["training"])[0]
        self.learner.network.load_state_dict(best_weights(self.work))
        made = Made(
            info, self.plan, self.split, self.training, self._save, self._picture(shown),
            shown.name, test,
        )  # fmt: skip
        write_model(made, self.output, overwrite=self.options.overwrite or self.options.resume)

    def _picture(self, sample: MaskSample) -> NDArray[np.uint8]:
        """Draw the objects that are found beside those of the ground truth."""
        from ..figures.overlay import overlay

        found = found_masks(self.learner.network, self.reading, sample, str(self.learner.device))
        resolved = np.asarray(resolve(found).labels)
        image = sample.image.mean(axis=0)
        drawn: NDArray[np.uint8] = np.hstack([overlay(image, a) for a in (resolved, sample.labels)])
        return drawn

    def _save(self, folder: Path, info: ModelInfo) -> None:
        """Write the network as a folder of transformers, and the description."""
        from safetensors.torch import save_file

        assert info.runtime is not None
        target = folder / info.runtime.file
        target.mkdir(parents=True)
        for pattern in _SIDE_FILES:
            for path in sorted(self.folder.glob(pattern)):
                if not path.name.endswith("index.json"):
                    shutil.copyfile(path, target / path.name)
        _, config = checked_config(self.folder)
        config = with_classes(config, self.plan.head.classes) if self.plan.new_classes else config
        (target / CONFIG).write_text(json.dumps(config, indent=2), "utf-8")
        weights = {n: w.clone().contiguous() for n, w in best_weights(self.work).items()}
        save_file(weights, target / WEIGHTS, {"format": "pt"})
        save_described(folder, info)
