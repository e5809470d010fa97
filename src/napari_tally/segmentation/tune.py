"""Calibrate the post-processing parameters of a model on a few images with ground truth.

The network runs once per image; its maps are then decoded repeatedly. Each parameter in turn is set
to the best-scoring value of a small grid while the others are fixed (coordinate search), until
nothing changes. The score is AP = TP / (TP + FP + FN), averaged over images and over IoU 0.5 to
0.9. Because the search has used these images, the score is also cross-validated: the search is
repeated without some of the images, which are then scored with its parameters.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from ..core.errors import InputError
from ..core.options import Offer, Options
from ..core.progress import Step, Steps
from ..files.options import Resample
from ..geometry.place import on_grid_of
from ..heads.confidence import calibrated
from ..objects.binary_mask import mask_note, pieces_of_mask, separated, with_ids
from ..objects.relabel import relabel
from .maps.kept_maps import KeptMaps
from .segment import segment_steps
from .setup.options import SegmentOptions
from .setup.run_setup import set_up
from .tune_predicted import PredictedMaps, PredictedMasks
from .tune_search import Search

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..models.bundle import Model
    from ..models.model_info import ModelInfo
    from .tune_predicted import Predicted

logger = logging.getLogger("napari_tally")

_MIN_FALSE, _MIN_TRUE = 20, 50  # objects of each kind that calibrating the confidence needs

# Options of the prediction maps; the rest of the segmentation is calibrated.
_PREDICTING = (
    "channel", "object_size", "stack", "tta", "tiling", "device", "precision", "max_maps_gib",
)  # fmt: skip


class TuneOptions(Options):
    """How the post-processing parameters of a model are calibrated."""

    segment: Annotated[SegmentOptions, Offer(only=_PREDICTING)] = Field(
        SegmentOptions(), description="How the prediction maps of the images are computed."
    )
    separate: bool = Field(
        False,
        description="Split ground truth that is a binary mask into connected components (one "
        "object each).",
    )
    resample: Resample = False
    folds: Annotated[int, Offer(advanced=True)] = Field(
        5, ge=2, description="Folds of the cross-validation, at most one per image."
    )
    sweeps: Annotated[int, Offer(advanced=True)] = Field(
        3, ge=1, description="Maximum number of passes over the parameters."
    )


@dataclass(frozen=True)
class Tuning:
    """The outcome of a calibration.

    Attributes
    ----------
    info : ModelInfo
        The model's, with the new parameters; its confidence is recalibrated if the images have
        enough true and false positives.
    changed : dict
        The old and the new value of each parameter that changed.
    before, after : float
        Mean AP (IoU 0.5 to 0.9) on the images.
    checked : float, optional
        The same, cross-validated: each image is scored by a search without it. None for one image.
    images : int
        Number of images.
    calibrated : int
        Number of objects on which the confidence was calibrated; 0 if it was not.
    """

    info: ModelInfo
    changed: dict[str, tuple[float, float]]
    before: float
    after: float
    checked: float | None
    images: int
    calibrated: int = 0

    def lines(self) -> list[str]:
        """Return the outcome in words: parameters, score, cross-validation, confidence."""
        values = (f"{name} {old:g} -> {new:g}" for name, (old, new) in self.changed.items())
        parameters = ", ".join(values) or "the model's own parameters are best"
        scores = f"mean AP {self.before:.3f} before, {self.after:.3f} after, on the same images"
        if self.checked is None:
            check = "one image: no cross-validation; the score on other images may be lower"
        else:
            check = f"{self.checked:.3f} cross-validated"
            if self.changed and self.checked <= self.before:
                check += ": expect no gain on other images"
        confidence = (
            f"confidence calibrated on {self.calibrated:,} objects"
            if self.calibrated
            else "too few objects to calibrate the confidence, which is unchanged"
        )
        return [parameters, f"{scores} ({self.images})", check, confidence]


def tune_steps(
    pairs: Sequence[tuple[Volume, Volume]], model: Model, options: TuneOptions | None = None
) -> Steps[Tuning]:
    """Find the threshold, parameters of the head and minimum size with the best score.

    Parameters
    ----------
    pairs : sequence of (Volume, Volume)
        Images and their ground truth, one id per object.
    model : Model
        One that separates objects.

    Raises
    ------
    InputError
        If there is no image, labels do not fit their image, or the model predicts classes.
    """
    options = options or TuneOptions()
    if model.info.head.class_names:
        raise InputError(
            f"{model.info.name} predicts classes, but tuning is for models that separate objects"
        )
    if model.info.finds_boxes:
        raise InputError(
            f"{model.info.name} returns boxes, but tuning is for models that separate objects"
        )
    if not pairs:
        raise InputError("There is no image to tune on", hint="Give one with its ground truth")
    kept, store = [], KeptMaps()
    for number, (image, labels) in enumerate(pairs):
        labels = _ground_truth(labels, image, options)
        kept.append((yield from _predict_steps(image, labels, model, options.segment, store)))
        yield Step("images", number + 1, len(pairs))
    search = Search(kept, model.info, options.sweeps)
    everything = np.arange(len(kept))
    own = search.own
    before = yield from search.score_steps(own, everything)
    best = yield from search.best_steps(everything)
    after = yield from search.score_steps(best, everything)
    checked = yield from _checked_steps(search, min(options.folds, len(kept)))
    changed = {name: (own[name], best[name]) for name in best if best[name] != own[name]}
    tuned = search.info(best)
    metrics = {"mean AP 0.5:0.9, images tuned by": round(after, 4)}
    if checked is not None:
        metrics["mean AP 0.5:0.9, images left out"] = round(checked, 4)
    if changed:
        tuned = tuned.model_copy(update={"metrics": metrics})
    tuned, count = _calibrated(tuned, kept)
    if tuned != model.info:
        tuned = tuned.model_copy(update={"version": _version(tuned, model.info.version)})
    return Tuning(tuned, changed, before, after, checked, len(kept), count)


def _ground_truth(labels: Volume, image: Volume, options: TuneOptions) -> Volume:
    """Return the labels on the grid of their image, with masks split if requested."""
    placed = labels.affine is not None and image.affine is not None
    fits = placed or labels.spatial_shape == image.spatial_shape  # else `_predict_steps` refuses
    if fits and labels.axes == image.axes.replace("C", ""):
        labels, note = on_grid_of(labels, image, resample=options.resample, labels=True)
        if note:
            logger.warning("%s.", note)
    labels = with_ids(labels)
    if options.separate:
        return separated(labels) if pieces_of_mask(labels) else labels
    if note := mask_note(labels, "scored"):
        logger.warning("%s; --separate makes an object of each.", note)
    return labels


def _predict_steps(
    image: Volume, labels: Volume, model: Model, options: SegmentOptions, store: KeptMaps
) -> Steps[Predicted]:
    """Run the network on an image; the maps of all images share one memory limit."""
    result = yield from segment_steps(image, model, options.model_copy(update={"keep_maps": True}))
    shape = result.volume.array.shape
    if labels.array.shape != shape:
        raise InputError(
            f"The labels {labels.name} have the shape {labels.array.shape}, but {image.name} has "
            f"{shape}"
        )
    ground_truth = relabel(np.asarray(labels.array))
    setup = set_up(image, model, options, result.strategy)
    if result.masks is not None:
        return PredictedMasks(setup, ground_truth, result.masks, result.scale)
    first = len(store)
    for maps in result.maps or ():
        store.append(maps)
    return PredictedMaps(setup, ground_truth, setup.grid_at(result.scale), store[first:])


def _checked_steps(search: Search, folds: int) -> Steps[float | None]:
    """Return the mean score with each image decoded by the best settings for the others."""
    if folds < 2:
        return None
    fold = np.random.default_rng(0).permutation(len(search.kept)) % folds
    total = 0.0
    for k in range(folds):
        settings = yield from search.best_steps(np.flatnonzero(fold != k))
        held_out = np.flatnonzero(fold == k)
        total += len(held_out) * (yield from search.score_steps(settings, held_out))
    return total / len(fold)


def _calibrated(info: ModelInfo, kept: list[Predicted]) -> tuple[ModelInfo, int]:
    """Return the description with calibrated confidence, and the number of objects used."""
    pairs = [one.matched(info) for one in kept]
    evidence, matched = [e for e, _ in pairs], [m for _, m in pairs]
    is_true = np.concatenate([np.zeros(0, bool), *matched])
    if is_true.sum() < _MIN_TRUE or (~is_true).sum() < _MIN_FALSE:
        return info, 0
    data = f"{len(kept)} images on which the model was tuned"
    names = info.head.evidence_names
    fitted = calibrated(np.concatenate(evidence), is_true, names, data)
    return info.model_copy(update={"confidence": fitted}), len(is_true)


def _version(info: ModelInfo, before: str) -> str:
    """Return a version that depends on the parameters, so other parameters mean another run."""
    text = info.model_dump_json(exclude={"version", "metrics"})
    return f"{before.partition('+')[0]}+tuned.{hashlib.sha256(text.encode()).hexdigest()[:8]}"
