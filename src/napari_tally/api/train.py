"""`napari_tally.train`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.checked_options import checked
from ..core.progress import Step, drain
from ..training.data.labelled_image import Labelled, annotated
from ..training.plan.options import TrainingOptions
from ..training.train import training_steps
from .inputs import as_label_volume, as_volume, image_axes

if TYPE_CHECKING:
    from ..training.trained import Trained
    from .inputs import Image


def train(
    pairs: Sequence[tuple[Image, ...]],
    output: str | Path,
    *,
    on_step: Callable[[Step], None] | None = None,
    **options: Any,
) -> Trained:
    """Train a model on labelled images, or fine-tune one.

    Parameters
    ----------
    pairs : sequence of (image, labels) or (image, labels, mask)
        Arrays, volumes or paths. Labels have one id per object, or one per class. With a mask,
        labels are complete only inside it.
    output : path
        A new folder for the model.
    on_step : callable, optional
        Called with each `Step`; training steps are `Learning`, with loss and scores.
    **options
        The fields of `TrainingOptions`: start, kind, steps, augmentation, licence, device, ...

    Returns
    -------
    Trained
        With the model's `folder`, its plan, split and scores.

    Raises
    ------
    TallyError
        If an image, its labels, an option or the folder cannot be used; the message says why.

    Examples
    --------
    >>> import napari_tally
    >>> pairs = [("a.tif", "a_labels.tif"), ("b.tif", "b_labels.tif")]
    >>> trained = napari_tally.train(pairs, "my-model", start="nuclei-2d")  # doctest: +SKIP
    >>> napari_tally.segment("c.tif", trained.folder)  # doctest: +SKIP
    """
    how = checked(TrainingOptions, options)
    images = [_labelled(number, how, *pair) for number, pair in enumerate(pairs)]
    return drain(training_steps(images, Path(output), how), on_step)


def _labelled(
    number: int, how: TrainingOptions, image: Image, labels: Image, mask: Image | None = None
) -> Labelled:
    ground_truth = as_label_volume(labels)
    own = as_volume(image, image_axes(image, ground_truth))
    name = f"{number:03}" if own.name == "image" else f"{number:03}_{Path(own.name).stem}"
    own = replace(own, name=name)
    if mask is None:
        return Labelled(name, own, ground_truth)
    region = as_label_volume(mask)
    return Labelled(name, own, ground_truth, known=annotated(region, own, resample=how.resample))
