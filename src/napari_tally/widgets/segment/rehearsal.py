"""A run on a tiny image in the background, so that the first run of the user finds all loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.progress import Step
from ...core.volume import Volume
from ...models.bundle import SHIPPED_DEFAULT, SHIPPED_DEFAULT_3D
from ...segmentation.setup.options import SegmentOptions
from ..controls.preload import quick_collections
from .job import loaded

if TYPE_CHECKING:
    from ...core.progress import Steps

# Models of any nuclei; an image that fits others is not known.
_SHAPES = {SHIPPED_DEFAULT: (96, 96), SHIPPED_DEFAULT_3D: (16, 48, 48)}


def model_steps(name: str) -> Steps[None]:
    """Load a model, and what segmenting with it imports."""
    yield Step("load the model", 0, 0)
    with quick_collections():
        from ...segmentation import segment  # noqa: F401

        loaded(name)


def rehearsal_steps(name: str) -> Steps[None]:
    """Segment a tiny image: it loads compiled loops, and whatever else a run imports later.

    It runs on the CPU, as it must not take the memory of a GPU before the user presses Run.
    """
    if name not in _SHAPES:
        return
    yield Step("load compiled code", 0, 0)
    with quick_collections():
        from ...segmentation.segment import segment_steps
        from ...simulate.nuclei import NucleiField

        shape = _SHAPES[name]
        field = NucleiField(shape=shape, spacing_um=(0.5,) * len(shape), count=4)
        image = Volume(field.draw()[0], "ZYX"[-len(shape) :], field.spacing_um, "um")
        options = SegmentOptions(device="cpu", keep_maps=True)
        yield from segment_steps(image, loaded(name), options)
