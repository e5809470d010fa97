"""Segment with a model that returns masks or boxes: run, resolve overlaps, measure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.progress import Step, Steps
from .collect.mask_resolver import MaskResolver
from .mask_result import mask_result_steps
from .masks.kept_masks import LEAST, KeptMasks
from .masks.mask_run import MaskRun
from .masks.mask_scale import ChosenScale, choose_scale_steps
from .setup.run_setup import set_up
from .stopwatch import READ, SEPARATE

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..models.bundle import Model
    from .masks.plane_masks import PlaneMasks
    from .result import Result
    from .setup.options import SegmentOptions
    from .setup.run_setup import RunSetup
    from .stopwatch import Stopwatch


def mask_segment_steps(
    volume: Volume, model: Model, options: SegmentOptions, watch: Stopwatch
) -> Steps[Result]:
    """Segment a volume plane by plane; yield after every tile and every plane.

    With `options.keep_maps` objects of low scores are kept in the result, for other thresholds.

    Raises
    ------
    InputError
        If the image does not fit the model, or an option does not fit either.
    """
    setup = set_up(volume, model, options)
    _check(setup)
    for note in setup.notes:
        yield Step(READ, 1, 1, note)
    resolver = MaskResolver(setup)
    least = min(LEAST, resolver.threshold) if options.keep_maps else resolver.threshold
    run = MaskRun(setup, least, watch)
    indices = list(np.ndindex(*setup.planes.image.shape[1:-2]))
    middle, chosen = indices[len(indices) // 2], None
    kept: list[PlaneMasks] = []
    if not setup.is_constant:
        chosen = yield from choose_scale_steps(run, middle, resolver.threshold)
        if chosen.note:
            yield Step(READ, 1, 1, chosen.note)
    for number, index in enumerate(indices):
        found = yield from _plane_steps(run, index, chosen, middle)
        if options.keep_maps:
            kept.append(found)
        with watch("separate"):
            resolver.add(index, found, chosen.scale if chosen else 1.0)
        yield Step(SEPARATE, number + 1, len(indices))
    notes = (*setup.notes, *([chosen.note] if chosen and chosen.note else []))
    masks = KeptMasks(least, tuple(kept), notes) if options.keep_maps else None
    about = {
        "masks": masks,
        "strategy": setup.strategy,
        "diameter_px": chosen.diameter if chosen else setup.diameter,
        "scale": chosen.scale if chosen else 1.0,
    }
    return (yield from _measured_steps(resolver, watch, notes, **about))


def mask_separate_steps(
    volume: Volume, model: Model, options: SegmentOptions, earlier: Result, watch: Stopwatch
) -> Steps[Result]:
    """Resolve the kept objects of an earlier result again, without the network.

    It runs again for a threshold below that of the kept objects.
    """
    masks = earlier.masks
    assert masks is not None
    setup = set_up(volume, model, options, earlier.strategy)
    resolver = MaskResolver(setup)
    if resolver.threshold < masks.threshold:
        return (yield from mask_segment_steps(volume, model, options, watch))
    indices = list(np.ndindex(*setup.planes.image.shape[1:-2]))
    for number, (index, found) in enumerate(zip(indices, masks.planes, strict=True)):
        with watch("separate"):
            resolver.add(index, found, earlier.scale)
        yield Step(SEPARATE, number + 1, len(indices))
    result = yield from _measured_steps(resolver, watch, masks.notes)
    return replace(
        result,
        masks=masks,
        strategy=earlier.strategy,
        diameter_px=earlier.diameter_px,
        scale=earlier.scale,
        seconds=earlier.seconds | watch.rounded(),
    )


def _check(setup: RunSetup) -> None:
    """Refuse options that need prediction maps."""
    if setup.options.tta:
        raise InputError(
            f"{setup.info.name} returns masks or boxes, which cannot be averaged over "
            "test-time augmentation",
            hint="Leave out --tta",
        )


def _plane_steps(
    run: MaskRun, index: tuple[int, ...], chosen: ChosenScale | None, middle: tuple[int, ...]
) -> Steps[PlaneMasks]:
    """Return what is found in a plane; that of the middle one may be known."""
    if chosen is None:
        return run.nothing()
    if index == middle and chosen.first is not None:
        return chosen.first
    return (yield from run.plane_steps(index, chosen.layout))


def _measured_steps(
    resolver: MaskResolver, watch: Stopwatch, notes: tuple[str, ...], **about: Any
) -> Steps[Result]:
    """Measure the objects and return the result."""
    setup = resolver.setup
    with watch("separate"):
        found = resolver.collected()
    more = resolver.notes(found)
    for note in more:
        yield Step(SEPARATE, 1, 1, note)
    with watch("measure"):
        result = yield from mask_result_steps(
            found,
            setup.volume,
            setup.options,
            setup.model.identity,
            confidence=setup.info.confidence,
            nouns=(setup.info.singular, setup.info.plural),
            notes=(*notes, *more),
            **about,
        )
    return replace(result, seconds=watch.rounded())
