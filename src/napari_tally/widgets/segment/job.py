"""A segmentation job as plain values: workers never touch layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...core.progress import Step, Steps
from ..controls.preload import preload, quick_collections

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.bundle import Model
    from ...segmentation.result import Result
    from ...segmentation.setup.options import SegmentOptions
    from ..layers.image_layer import Region

_loaded: dict[str, Model] = {}


@dataclass(frozen=True)
class Job:
    """One segmentation: a snapshot of the layer and of the form.

    Attributes
    ----------
    volume : Volume
        The whole image of the layer.
    region : Region
        The part to segment.
    geometry : dict
        Where the labels of that part belong.
    source : str
        File of the layer, or "".
    corrected : bool
        Whether the user wrote another calibration than the layer's.
    """

    layer_name: str
    volume: Volume
    region: Region
    geometry: dict[str, Any]
    model: str
    options: SegmentOptions
    source: str = ""
    corrected: bool = False

    @property
    def cut(self) -> Volume:
        """The part to segment."""
        return self.region.cut(self.volume)


@dataclass(frozen=True)
class Done:
    """A finished job with its result."""

    job: Job
    model: Model
    result: Result


def segment_job(job: Job) -> Steps[Done]:
    """Load the model and segment; yields every step."""
    yield from preload.wait_steps()
    yield from model_steps(job.model)
    from ...segmentation.segment import segment_steps

    model = loaded(job.model)
    try:
        result = yield from segment_steps(job.cut, model, job.options)
    finally:
        _free_device()
    return Done(job, model, result)


def separate_job(job: Job, earlier: Done) -> Steps[Done]:
    """Decode the prediction maps of an earlier run again."""
    from ...segmentation.segment import separate_steps

    result = yield from separate_steps(job.cut, earlier.model, job.options, earlier.result)
    return Done(job, earlier.model, result)


def model_steps(name: str) -> Steps[None]:
    """Load a model, and the packages that segmenting with it imports."""
    yield Step("load the model", 0, 0)
    with quick_collections():
        import skimage.transform  # noqa: F401

        from ...segmentation import segment  # noqa: F401

        loaded(name)


def loaded(name: str) -> Model:
    """Return a model, which stays loaded while napari runs."""
    from ...models.bundle import load_model

    if name not in _loaded:
        _loaded[name] = load_model(name)
    return _loaded[name]


def forget_models() -> None:
    """Load imported models again when they are next used: they may have changed."""
    from ...models.bundle import shipped_models

    for name in _loaded.keys() - set(shipped_models()):
        del _loaded[name]


def _free_device() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
