"""Why a model is not for an image, as far as its axes, channels, unit and intensities show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .preprocessing import is_colour_model

if TYPE_CHECKING:
    from .model_info import ModelInfo
    from .probe import Probe


def misfit(probe: Probe, info: ModelInfo, ndim: int) -> str:
    """Return why an image is not what a model of 2 or 3 spatial axes is for, "" if it may be.

    The model may run on it all the same: slice by slice, or with poor results.
    """
    if not probe.has_intensities:
        return ""
    return next(filter(None, _reasons(probe, info, ndim)), "")


def _reasons(probe: Probe, info: ModelInfo, ndim: int) -> Iterator[str]:
    if ndim > len(probe.volume.spatial_axes):
        yield "it takes stacks"
    if ndim == 2 and probe.is_stack:
        yield "it takes 2D images, so slices are segmented one by one or linked"
    yield _of_channels(probe, info.preprocessing.channels)
    if info.preprocessing.extent is not None and not probe.within(info.preprocessing):
        lengths = " x ".join(f"{length:.0f}" for length in info.preprocessing.extent)
        yield f"it takes images of at most {lengths} {info.preprocessing.spacing_unit}"
    if info.preprocessing.normalizer.name == "hounsfield" and not probe.is_ct:
        yield "it takes CT in Hounsfield units"
    if info.color_range is not None and info.color_range.note(probe.sample, "", ""):
        yield "the colours are unlike those of the images that it was trained on"


def _of_channels(probe: Probe, names: tuple[str, ...]) -> str:
    count = len(probe.volume.channels) or 1
    if is_colour_model(names):
        return "" if count in (3, 4) else "it takes RGB images"
    if len(names) > 1 and count != len(names):
        return f"it takes {len(names)} channels ({', '.join(names)})"
    return ""
