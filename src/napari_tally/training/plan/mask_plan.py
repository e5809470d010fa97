"""The plan for fine-tuning a network that returns masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ...core.errors import InputError
from ...core.options import Options
from ...heads import Masks
from ...models.preprocessing import Preprocessing
from ...network.runtimes import Transformers
from ...segmentation.setup.mask_layout import frame_options
from ..loop.hyperparameters import MOST_BATCH, MOST_STEPS, Schedule
from .plan import epoch_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...models.bundle import Model
    from ..data.labelled_image import Labelled
    from .options import TrainingOptions

FINE_TUNED = ("Mask2FormerForUniversalSegmentation", "MaskFormerForInstanceSegmentation")
_RATE = 1e-4  # of Mask2Former and MaskFormer
_FEW, _MANY, _EACH = 300, 1500, 100  # steps: fewest, most, and for each image
_SMALL, _LARGE_BATCH, _BATCH = 160, 8, 2  # px up to which a batch is large
_PATCH, _MULTIPLE = 512, 32  # px
_PATIENCE = 12


class MaskPlan(Options):
    """All choices of a fine-tuning of a network that returns masks.

    Attributes
    ----------
    class_ids : tuple of int
        The ids in the labels of the head's classes, in their order; () if all objects are of one.
    new_classes : bool
        Whether the layer of the classes is trained anew, for other classes than the model's.
    patch : tuple of int
        Height and width of the network's input in training.
    """

    format: Literal["masks"] = "masks"
    preprocessing: Preprocessing
    head: Masks
    class_ids: tuple[int, ...] = ()
    new_classes: bool = False
    patch: tuple[int, ...]
    batch: int = Field(ge=1, le=MOST_BATCH)
    steps: int = Field(ge=1, le=MOST_STEPS)
    epoch: int = Field(ge=1, le=MOST_STEPS)
    learning_rate: float = Field(_RATE, gt=0)
    patience: int = Field(_PATIENCE, ge=0)
    start: str

    def changed(self, **choices: object) -> MaskPlan:
        """Return the plan with other choices; the epoch is updated with the steps."""
        made = {name: value for name, value in choices.items() if value is not None}
        if "steps" in made and "epoch" not in made:
            made["epoch"] = epoch_of(int(str(made["steps"])))
        return MaskPlan.model_validate({**dict(self), **made})

    def schedule(self, seed: int = 0, *, tensorboard: bool = False) -> Schedule:
        """Return what the training loop takes."""
        return Schedule(
            patch=self.patch,
            batch=self.batch,
            steps=self.steps,
            learning_rate=self.learning_rate,
            weight_decay=0.05,
            warmup=min(100, self.steps // 10),
            clip=1.0,
            validate_every=self.epoch,
            checkpoint_every=self.epoch,
            patience=self.patience,
            tensorboard=tensorboard,
            seed=seed,
        )

    def lines(self) -> list[str]:
        """Describe the plan, one line per topic."""
        size = " x ".join(map(str, self.patch))
        anew = "; the layer of the classes is trained anew" * self.new_classes
        course = (
            f"{self.steps:,} steps of {self.batch} images of {size}, learning rate "
            f"{self.learning_rate:g}; validated every {self.epoch:,} steps"
        )
        return [
            f"Target: objects in 2D, which may overlap: {', '.join(self.head.classes)}",
            f"Network: fine-tuned from {self.start}, with its own loss{anew}",
            course,
            "Augmentation: flips, quarter turns, scales of 0.8 to 1.25, brightness",
        ]


def mask_plan(pairs: Sequence[Labelled], model: Model, options: TrainingOptions) -> MaskPlan:
    """Return the plan for fine-tuning a model that returns masks.

    Raises
    ------
    InputError
        If the model cannot be fine-tuned, or an option does not apply to it.
    """
    info, runtime = model.info, model.info.runtime
    if not isinstance(runtime, Transformers) or runtime.architecture not in FINE_TUNED:
        raise InputError(
            f"{info.name} cannot be fine-tuned",
            hint="Of models that return masks, Mask2Former and MaskFormer of Hugging Face can be",
        )
    if options.architecture is not None or options.head is not None:
        raise InputError(
            f"{info.name} keeps its network and head",
            hint="Leave out --architecture and --head, or train a new model",
        )
    assert isinstance(info.head, Masks)
    ids = _class_ids(pairs)
    names = _names(options.class_names, ids, info.head.classes)
    new = names != info.head.classes
    patch = _patch(pairs, model)
    steps = int(min(_MANY, max(_FEW, _EACH * len(pairs))))
    plan = MaskPlan(
        preprocessing=info.preprocessing,
        head=info.head.model_copy(update={"classes": names, "stuff": ()}) if new else info.head,
        class_ids=ids,
        new_classes=new,
        patch=patch,
        batch=_LARGE_BATCH if max(patch) <= _SMALL else _BATCH,
        steps=steps,
        epoch=epoch_of(steps),
        start=info.name,
    )
    given = ("steps", "batch", "learning_rate", "patience")
    plan = plan.changed(**{name: getattr(options, name) for name in given})
    return plan.changed(patch=_fitting(options.patch, model)) if options.patch else plan


def _class_ids(pairs: Sequence[Labelled]) -> tuple[int, ...]:
    import numpy as np

    arrays = [np.unique(np.asarray(p.classes.array)) for p in pairs if p.classes is not None]
    return tuple(sorted({int(i) for array in arrays for i in array if i > 0}))


def _names(given: tuple[str, ...], ids: tuple[int, ...], own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the classes: the model's own if they are as many and no others given."""
    count = max(1, len(ids))
    if given and len(given) >= max(ids, default=1):
        return tuple(given[i - 1] for i in ids) if ids else given[:1]
    if count == len(own):
        return own
    return ("object",) if count == 1 else tuple(f"class {i}" for i in ids)


def _patch(pairs: Sequence[Labelled], model: Model) -> tuple[int, int]:
    """Return height and width of the input in training: that of the model, else of the images."""
    runtime = model.info.runtime
    assert runtime is not None
    frame = frame_options(model.info.preprocessing.frame, runtime)
    if frame.fixed is not None:
        return frame.fixed
    shapes = [frame.frame((s[0], s[1])).input_shape for s in (p.labels.shape for p in pairs)]
    least = [min(_PATCH, min(s[axis] for s in shapes)) for axis in (0, 1)]
    height, width = (max(_MULTIPLE, n // _MULTIPLE * _MULTIPLE) for n in least)
    return height, width


def _fitting(patch: tuple[int, ...], model: Model) -> tuple[int, ...]:
    runtime = model.info.runtime
    assert runtime is not None
    if len(patch) != 2:
        raise InputError(f"The patch {patch} must have 2 axes")
    return runtime.fit(patch)
