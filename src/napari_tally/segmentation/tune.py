"""Calibrate the post-processing parameters of a model on a few images with ground truth.

The network runs once an image; its maps are then decoded again and again. Each parameter in turn
takes the value of a small grid that scores best while the others stay (coordinate search), until
nothing changes. The score is AP = TP / (TP + FP + FN), the mean over images and over IoU 0.5 to
0.9. Since that is the score on the images of the search, it is cross-validated: the same search is
made without a part of the images, which are then scored with its outcome.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..core.errors import InputError
from ..core.options import Offer, Options
from ..core.progress import Step, Steps
from ..heads.confidence import calibrated
from ..metrics.match import match
from ..metrics.reliability import true_ones
from ..objects.relabel import relabel
from .maps.kept_maps import KeptMaps
from .segment import segment_steps
from .setup.options import SegmentOptions
from .setup.run_setup import set_up

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..heads.base import Head
    from ..models.bundle import Model
    from ..models.model_info import ModelInfo
    from .maps.decoded_objects import DecodedObjects
    from .maps.network_grid import NetworkGrid
    from .setup.run_setup import RunSetup

Settings = dict[str, float]

STAGE = "tune"
MIN_SIZE = "min_size"
_SHARES = (0.0, *(round(0.1 * i, 1) for i in range(1, 10)), 0.95)  # of a number from 0 to 1
_FACTORS = (0.5, 0.67, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0)  # of a number without an upper limit
_SIZES = (0, 5, 10, 20, 50, 100, 200)  # voxels, for a model without a minimum size
_SIZE_FACTORS = (0.0, 0.5, 0.75, 1.5, 2.0, 3.0)
_GAIN = 1e-4  # of AP that is worth a change
_FALSE, _TRUE = 20, 50  # objects of each kind, at least, to calibrate the confidence by

# What decides the prediction maps: the rest of the segmentation is what is calibrated.
_PREDICTING = (
    "channel", "object_size", "stack", "tta", "tiling", "device", "precision", "max_maps_gib",
)  # fmt: skip


class TuneOptions(Options):
    """How the post-processing parameters of a model are calibrated."""

    segment: Annotated[SegmentOptions, Offer(only=_PREDICTING)] = Field(
        SegmentOptions(), description="How the prediction maps of the images are computed."
    )
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
        The model's, with the new parameters; its confidence is calibrated anew where the images
        have enough true and false positives.
    changed : dict
        The old and the new value of each parameter that changed.
    before, after : float
        Mean AP (IoU 0.5 to 0.9) on the images.
    checked : float, optional
        The same, cross-validated: each image is left out of the search. None for one image.
    images : int
        How many images.
    calibrated : int
        By how many objects the confidence was calibrated; 0 if it was not.
    """

    info: ModelInfo
    changed: dict[str, tuple[float, float]]
    before: float
    after: float
    checked: float | None
    images: int
    calibrated: int = 0

    def lines(self) -> list[str]:
        """Say it in words."""
        values = (f"{name} {old:g} -> {new:g}" for name, (old, new) in self.changed.items())
        what = ", ".join(values) or "the model's own parameters are best"
        scores = f"mean AP {self.before:.3f} before, {self.after:.3f} after, on the same images"
        if self.checked is None:
            check = "one image: no cross-validation; the score on other images may be lower"
        else:
            check = f"{self.checked:.3f} cross-validated"
            if self.changed and self.checked <= self.before:
                check += ": expect no gain on other images"
        confidence = (
            f"confidence calibrated by {self.calibrated:,} objects"
            if self.calibrated
            else "too few objects to calibrate the confidence: it is unchanged"
        )
        return [what, f"{scores} ({self.images})", check, confidence]


def tune_steps(
    pairs: Sequence[tuple[Volume, Volume]], model: Model, options: TuneOptions | None = None
) -> Steps[Tuning]:
    """Find the threshold, parameters of the head and minimum size with the best score.

    Parameters
    ----------
    pairs : sequence of (Volume, Volume)
        Images and their true labels, one id an object.
    model : Model
        One that separates objects.

    Raises
    ------
    InputError
        If there is no image, labels do not fit their image, or the model gives classes.
    """
    options = options or TuneOptions()
    if model.info.head.class_names:
        raise InputError(
            f"{model.info.name} gives classes, but tuning is for models that separate objects"
        )
    if not pairs:
        raise InputError("There is no image to tune on", hint="Give at least one with its labels")
    kept, store = [], KeptMaps()
    for number, (image, labels) in enumerate(pairs):
        kept.append((yield from _kept_steps(image, labels, model, options.segment, store)))
        yield Step("images", number + 1, len(pairs))
    search = _Search(kept, model.info, options.sweeps)
    everything = np.arange(len(kept))
    own = search.own
    before = yield from search.score_steps(own, everything)
    best = yield from search.best_steps(everything)
    after = yield from search.score_steps(best, everything)
    checked = yield from _checked_steps(search, min(options.folds, len(kept)))
    changed = {name: (own[name], best[name]) for name in best if best[name] != own[name]}
    found = search.info(best)
    metrics = {"mean AP 0.5:0.9, images tuned by": round(after, 4)}
    if checked is not None:
        metrics["mean AP 0.5:0.9, images left out"] = round(checked, 4)
    if changed:
        found = found.model_copy(update={"metrics": metrics})
    found, count = _calibrated(found, kept)
    if found != model.info:
        found = found.model_copy(update={"version": _version(found, model.info.version)})
    return Tuning(found, changed, before, after, checked, len(kept), count)


@dataclass(frozen=True, eq=False)
class _Kept:
    """The maps of an image, and its ground truth."""

    setup: RunSetup
    grid: NetworkGrid
    truth: NDArray[np.integer]
    maps: Sequence[NDArray[np.float16]]

    def found(self, info: ModelInfo) -> list[DecodedObjects]:
        """Return the objects of each plane on the grid of the image."""
        strategy, planes = self.setup.strategy, []
        for maps in self.maps:
            if maps.size:
                decoded = strategy.decode_objects(self.setup.parts(maps), info.head, info.min_size)
                planes.append(decoded.on(self.grid).large(1))
        return planes

    def score(self, info: ModelInfo) -> float:
        """Return the mean AP of the image."""
        labels, count = [], 0
        for maps in self.maps:
            own = np.zeros(self.grid.shape, np.int64)
            if maps.size:
                objects = self.setup.parts(maps).objects
                assert objects is not None
                decoded = self.setup.strategy.decode(objects, info.head, info.min_size)
                own = self.grid.labels_back(decoded).astype(np.int64)
            labels.append(np.where(own > 0, own + count, 0))
            count += int(own.max(initial=0))
        found = np.stack(labels).reshape(self.truth.shape)
        return float(np.mean([m.ap for m in match(found, self.truth)]))

    def true_planes(self) -> list[NDArray[np.integer]]:
        """Return the ground truth of each plane that has maps."""
        planes = self.truth.reshape(len(self.maps), *self.grid.shape)
        return [plane for plane, maps in zip(planes, self.maps, strict=True) if maps.size]


def _kept_steps(
    image: Volume, labels: Volume, model: Model, options: SegmentOptions, store: KeptMaps
) -> Steps[_Kept]:
    """Run the network on an image; the maps of all images share one limit of memory."""
    result = yield from segment_steps(image, model, options.model_copy(update={"keep_maps": True}))
    shape = result.volume.array.shape
    if labels.array.shape != shape:
        raise InputError(
            f"The labels {labels.name} have the shape {labels.array.shape}, but {image.name} has "
            f"{shape}"
        )
    first = len(store)
    for maps in result.maps or ():
        store.append(maps)
    setup = set_up(image, model, options, result.strategy)
    grid = setup.grid_at(result.scale)
    return _Kept(setup, grid, relabel(np.asarray(labels.array)), store[first:])


class _Search:
    """A search over the parameters of a model; settings are scored once."""

    def __init__(self, kept: list[_Kept], info: ModelInfo, sweeps: int) -> None:
        self.kept, self.start, self.sweeps = kept, info, sweeps
        self.candidates = candidates(info)
        own = {name: float(value) for name, value in info.head.parameters.items()}
        self.own = {**own, MIN_SIZE: float(info.min_size)}
        self.candidates = {**self.candidates, MIN_SIZE: _sizes(info.min_size)}
        self.known: dict[tuple[int, tuple[float, ...]], float] = {}

    def info(self, settings: Settings) -> ModelInfo:
        """Return the model's description with other parameters."""
        head = self.start.head
        kinds = {name: type(value) for name, value in head.parameters.items()}
        parameters = {name: kind(settings[name]) for name, kind in kinds.items()}
        update = {"head": head.tuned(**parameters), MIN_SIZE: int(settings[MIN_SIZE])}
        return self.start.model_copy(update=update)

    def score_steps(self, settings: Settings, images: NDArray[np.intp]) -> Steps[float]:
        """Return the mean score of some images; yield after each that has to be decoded."""
        info, values = self.info(settings), tuple(settings.values())
        for i in images:
            if (i, values) not in self.known:
                self.known[i, values] = self.kept[i].score(info)
                yield Step(STAGE, len(self.known), 0)
        return float(np.mean([self.known[i, values] for i in images]))

    def best_steps(self, images: NDArray[np.intp]) -> Steps[Settings]:
        """Return the settings that score best on some images."""
        best = dict(self.own)
        top = yield from self.score_steps(best, images)
        for _ in range(self.sweeps):
            before = dict(best)
            for name, values in self.candidates.items():
                for value in values:
                    other = {**best, name: value}
                    score = yield from self.score_steps(other, images)
                    if score > top + _GAIN:
                        best, top = other, score
            if best == before:
                break
        return best


def _checked_steps(search: _Search, folds: int) -> Steps[float | None]:
    """Return the mean score where each image is decoded by what was found without it."""
    if folds < 2:
        return None
    fold = np.random.default_rng(0).permutation(len(search.kept)) % folds
    total = 0.0
    for k in range(folds):
        found = yield from search.best_steps(np.flatnonzero(fold != k))
        own = np.flatnonzero(fold == k)
        total += len(own) * (yield from search.score_steps(found, own))
    return total / len(fold)


def candidates(info: ModelInfo) -> dict[str, list[float]]:
    """Return the values that are tried of each parameter of a model's head, besides its own."""
    return {name: _values(info.head, name) for name in info.head.parameters}


def _values(head: Head, name: str) -> list[float]:
    own = head.parameters[name]
    limits = type(head).model_fields[name].metadata
    most = min((v for m in limits for v in (getattr(m, "lt", None), getattr(m, "le", None))
                if v is not None), default=np.inf)  # fmt: skip
    tried = _SHARES if most <= 1 else [round(float(own) * f, 3) for f in _FACTORS]
    values = dict.fromkeys(type(own)(v) for v in tried)
    return [float(v) for v in values if v != own and _allowed(head, name, v)]


def _allowed(head: Head, name: str, value: float) -> bool:
    try:
        head.tuned(**{name: value})
    except InputError:
        return False
    return True


def _sizes(own: int) -> list[float]:
    tried = [round(own * f) for f in _SIZE_FACTORS] if own else _SIZES
    return [float(v) for v in dict.fromkeys(tried) if v != own]


def _calibrated(info: ModelInfo, kept: list[_Kept]) -> tuple[ModelInfo, int]:
    """Return the description with its confidence calibrated, and by how many objects."""
    evidence, true = [], []
    for one in kept:
        for found, plane in zip(one.found(info), one.true_planes(), strict=True):
            evidence.append(found.evidence)
            true.append(true_ones(found.labels, plane))
    matched = np.concatenate([np.zeros(0, bool), *true])
    if matched.sum() < _TRUE or (~matched).sum() < _FALSE:
        return info, 0
    data = f"{len(kept)} images that the model was tuned by"
    names = info.head.evidence_names
    fitted = calibrated(np.concatenate(evidence), matched, names, data)
    return info.model_copy(update={"confidence": fitted}), len(matched)


def _version(info: ModelInfo, before: str) -> str:
    """Return a version that depends on the parameters, so that runs with others differ."""
    text = info.model_dump_json(exclude={"version", "metrics"})
    return f"{before.partition('+')[0]}+tuned.{hashlib.sha256(text.encode()).hexdigest()[:8]}"
