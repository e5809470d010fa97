"""The built-in model that an image is for, as far as its axes, colours and intensities show it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bundle import (
    SHIPPED,
    SHIPPED_DEFAULT,
    SHIPPED_DEFAULT_3D,
    default_model,
    read_info,
    shipped_models,
)
from .probe import Probe

if TYPE_CHECKING:
    from ..core.volume import Volume
    from .model_info import ModelInfo

_CELLS = "cells-2d"
# Median on the range from percentile 1 to 99.8. It is at most 0.13 in 492 fluorescence images of
# nuclei, and at least 0.29 in phase contrast, bright field, histology and electron microscopy.
_DARK = 0.2


@dataclass(frozen=True)
class Suggestion:
    """A built-in model for an image, and why: a clause, "" for the default."""

    model: str
    reason: str = ""


def suggest(volume: Volume) -> Suggestion:
    """Return the built-in model that an image is for; the default one if nothing shows it."""
    return suggest_for(Probe(volume))


def suggest_for(probe: Probe) -> Suggestion:
    """Return the built-in model for an image, of which pixels may have been read already."""
    default = Suggestion(default_model(probe.volume))
    if not probe.has_intensities:
        return default
    rules = _for_stacks if probe.is_stack else _for_images
    return next(rules(probe), default)


def better_model(volume: Volume, model: str) -> str:
    """Return a note if another built-in model suits an image better than a default one, or ""."""
    if model not in (SHIPPED_DEFAULT, SHIPPED_DEFAULT_3D):
        return ""
    found = suggest(volume)
    if found.model == model or not found.reason:
        return ""
    return f"{found.model} may suit {volume.name} better than {model}: {found.reason}"


def _for_images(probe: Probe) -> Iterator[Suggestion]:
    if len(probe.sample) == 3:
        for name, info in _shipped():
            if info.color_range is not None and not info.color_range.note(probe.sample, "", ""):
                yield Suggestion(name, "its colours are those of the images that it was trained on")
    if _CELLS in shipped_models() and probe.background > _DARK:
        yield Suggestion(_CELLS, "the background of the image is not dark")


def _for_stacks(probe: Probe) -> Iterator[Suggestion]:
    if probe.volume.unit not in ("mm", "cm"):
        return
    for name, info in _shipped():
        if probe.within(info.preprocessing):
            yield Suggestion(name, "the image is as small as those that it was trained on")
    if probe.is_ct:
        for name, info in _shipped():
            if info.preprocessing.normalizer.name == "hounsfield":
                yield Suggestion(name, "the image is a CT")


def _shipped() -> Iterator[tuple[str, ModelInfo]]:
    return ((name, read_info(SHIPPED / name)) for name in shipped_models())
