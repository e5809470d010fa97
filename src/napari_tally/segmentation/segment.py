"""Segment an image and measure its objects: setup, prediction maps, decoding, tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import InputError
from ..core.progress import Step, Steps
from .collect.collector import Collector
from .collect.decode import decode_steps
from .collect.result_tables import measure_steps
from .maps.kept_maps import KeptMaps
from .mask_segment import mask_segment_steps, mask_separate_steps
from .prediction import Prediction
from .result import Result
from .setup.noise_check import NoiseCheck
from .setup.run_setup import set_up
from .stopwatch import READ, SEPARATE, Stopwatch

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..models.bundle import Model
    from .collect.collector import DecodedVolume
    from .setup.options import SegmentOptions
    from .setup.run_setup import RunSetup

_NO_MAPS = np.zeros(0, np.float16)  # of a constant image


def segment_steps(
    volume: Volume, model: Model, options: SegmentOptions, watch: Stopwatch | None = None
) -> Steps[Result]:
    """Segment a volume and measure its objects; yield after every batch of tiles and every plane.

    Along axes that the model does not have (time, Z for a 2D model), planes are segmented one by
    one; ids are unique over all of them, and the table has a column for each such axis. A semantic
    model predicts classes, and splits them into objects with `options.separate`.

    Raises
    ------
    InputError
        If the image does not fit the model, or an option does not fit the image.
    """
    watch = watch or Stopwatch()
    if model.info.finds_masks:
        return (yield from mask_segment_steps(volume, model, options, watch))
    setup = set_up(volume, model, options)
    for note in setup.notes:
        yield Step(READ, 1, 1, note)
    prediction = yield from Prediction.begin_steps(setup, watch)
    planes, collector, kept = setup.planes, Collector(setup), KeptMaps()
    check = NoiseCheck(setup.map_axes, setup.info.least_confident)
    yield Step(SEPARATE, 0, len(planes))
    for number, index in enumerate(planes.indices()):
        maps = yield from prediction.map_steps(index)
        if maps is not None:
            check.add(maps)
        if options.keep_maps:
            kept.append(_NO_MAPS if maps is None else maps)
        with watch("separate"):
            collector.add(index, (yield from decode_steps(setup, maps, prediction.grid)))
        yield Step(SEPARATE, number + 1, len(planes))
    found, notes = collector.volume(), [*setup.notes, *prediction.notes]
    if setup.head.finds_objects and not prediction.is_empty:
        warning = check.warning(volume.name, setup.info.plural, found.count)
        notes += [warning] if warning else []
        yield Step(SEPARATE, len(planes), len(planes), warning)
    with watch("measure"):
        measured = yield from _measured_steps(setup, found)
    return Result(
        **measured,
        options=options,
        model=model.identity,
        nouns=(setup.info.singular, setup.info.plural),
        maps=kept if options.keep_maps else None,
        strategy=setup.strategy,
        diameter_px=prediction.size.diameter,
        scale=prediction.size.scale,
        device=str(prediction.device),
        notes=(*notes, *found.notes),
        seconds=watch.rounded(),
    )


def separate_steps(
    volume: Volume, model: Model, options: SegmentOptions, earlier: Result
) -> Steps[Result]:
    """Decode the kept maps of an earlier result again, without the network; yield every plane.

    The result equals that of `segment_steps` with these options and the earlier object size.

    Raises
    ------
    InputError
        If an option does not fit, or the earlier result has no maps.
    """
    if earlier.masks is not None:
        return (yield from mask_separate_steps(volume, model, options, earlier, Stopwatch()))
    if earlier.maps is None:
        raise InputError("The earlier result has no maps", hint="Segment with keep_maps=True")
    watch, setup = Stopwatch(), set_up(volume, model, options, earlier.strategy)
    grid, collector = setup.grid_at(earlier.scale), Collector(setup)
    pairs = zip(setup.planes.indices(), earlier.maps, strict=True)
    for number, (index, maps) in enumerate(pairs):
        with watch("separate"):
            found = yield from decode_steps(setup, maps if maps.size else None, grid)
            collector.add(index, found)
        yield Step(SEPARATE, number + 1, len(setup.planes))
    with watch("measure"):
        measured = yield from _measured_steps(setup, collector.volume())
    return replace(earlier, **measured, options=options, seconds=earlier.seconds | watch.rounded())


def _measured_steps(setup: RunSetup, found: DecodedVolume) -> Steps[dict[str, Any]]:
    """Measure the decoded objects and return the fields of a `Result` that depend on them."""
    tables = yield from measure_steps(setup, found)
    return {
        "volume": found.labels,
        "classes": found.classes,
        "evidence": found.evidence,
        "separated": setup.separates,
        **vars(tables),
    }
