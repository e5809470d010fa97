"""What the outputs of an ONNX network mean: its reading, and the names of its classes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...core.errors import InputError, UnknownOutputsError
from ...mask_sets.readings import Boxes, BoxMasks, ClassMaps, Prototypes, Queries, Stacked
from ...mask_sets.readings.reading import HOW_TO_SET
from ...mask_sets.readings.recognize import Recognized, recognized
from .known_classes import assumed_classes, assumed_maps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...mask_sets.readings import Reading
    from .onnx_graph import Graph
    from .onnx_trial import Trial
    from .proposal import ImportSettings

Shape = tuple[int, ...]
_PROBABILITIES = {"Sigmoid", "Softmax", "HardSigmoid"}
_STUFF = re.compile(r"sem|seg|lane|driv|(^|_)(da|ll)(_|$)|stuff", re.IGNORECASE)
_OBJECTS = re.compile(r"det|box|mask|proto|score|logit|label|class", re.IGNORECASE)


def understood(
    trial: Trial, graph: Graph, classes: tuple[str, ...], settings: ImportSettings
) -> Recognized:
    """Return the reading of a network's outputs with the names of its classes, and a sentence.

    Raises
    ------
    UnknownOutputsError
        If the form of the outputs is unknown.
    """
    classes = settings.classes or classes
    if settings.reading is not None:
        reading = settings.reading
        reading = reading if reading.classes else reading.model_copy(update={"classes": classes})
        return Recognized(_named(reading, trial.outputs), f"Outputs: {reading.form}, as it is set")
    try:
        found = _found(trial, graph, classes)
    except InputError as error:
        raise UnknownOutputsError(
            f"The outputs of {graph.path.name} are unknown: {error.problem}",
            hint=error.hint or HOW_TO_SET,
        ) from error
    return Recognized(_named(found.reading, trial.outputs), found.sentence)


def _found(trial: Trial, graph: Graph, classes: tuple[str, ...]) -> Recognized:
    numbers = _class_numbers(trial, graph, classes)
    if numbers is not None:
        return numbers
    stuff = _stuff(trial.outputs)
    if stuff:
        return _stacked(trial, graph, classes, stuff)
    outputs, left_out = _counting(trial)
    found = recognized(outputs, classes)
    if not isinstance(found.reading, ClassMaps):
        return found
    sentence = found.sentence + (f"; of {left_out + 1} outputs the first" if left_out else "")
    reading = _activated(found.reading, trial, graph, classes)
    return Recognized(reading if classes else _of_photographs(reading, trial), sentence)


def _of_photographs(reading: ClassMaps, trial: Trial) -> ClassMaps:
    """Return class maps with the classes of a usual data set, if their number is one of those."""
    shape = trial.outputs[reading.outputs[0]]
    known = assumed_maps(shape[-1] if reading.channels_last else shape[1])
    if known is None or (trial.runtime.spatial_dims, trial.runtime.in_channels) != (2, 3):
        return reading
    names, first = known
    changes = {"classes": names, "background": "first" if first else "none"}
    return reading.model_copy(update=changes)


def _activated(
    reading: ClassMaps, trial: Trial, graph: Graph, classes: tuple[str, ...]
) -> ClassMaps:
    """Return class maps with the activation that the network does not have itself."""
    last = graph.last_operator(reading.outputs[0])
    shape = trial.outputs[reading.outputs[0]]
    count = shape[-1] if reading.channels_last else shape[1]
    changes: dict[str, object] = {}
    if last in _PROBABILITIES:
        changes["activation"] = "none"
    if last in ("Sigmoid", "HardSigmoid") and count > 1 and len(classes) != count - 1:
        changes["background"] = "none"  # each channel stands for itself
    return reading.model_copy(update=changes)


def _class_numbers(trial: Trial, graph: Graph, classes: tuple[str, ...]) -> Recognized | None:
    """Return the reading of one map of class numbers, as ArgMax makes it; None if there is none."""
    ndim = trial.runtime.spatial_dims
    maps = [n for n, kind in trial.kinds.items() if kind == "i" and _is_map(trial, n, ndim)]
    if len(trial.outputs) != 1 or len(maps) != 1:
        return None
    numbers = graph.classes_of(maps[0])
    count = len(classes) or numbers - 1
    if count < 1:
        raise InputError(
            "they are numbers of classes, but the file does not state how many there are",
            hint="Name the classes, such as nucleus,cytoplasm",
        )
    reading = ClassMaps(
        outputs=(maps[0],),
        activation="index",
        classes=classes or numbered(count),
        background="none" if numbers == len(classes) else "first",
    )
    kinds = "1 class" if count == 1 else f"{count:,} classes"
    return Recognized(reading, f"Numbers of {kinds} in {ndim}D: class maps")


def _is_map(trial: Trial, name: str, ndim: int) -> bool:
    shape = trial.seen[name]
    plain = [n for n in shape if n > 1]
    return len(plain) == ndim and all(
        n % m == 0 for n, m in zip(trial.shape, shape[-ndim:], strict=True)
    )


def _counting(trial: Trial) -> tuple[dict[str, Shape], int]:
    """Return the outputs without further maps of the same kind, and how many those are.

    Networks such as ISNet and U2-Net return maps of several depths; the first of the largest
    counts.
    """
    ndim = trial.runtime.spatial_dims + 2
    maps = {n: s for n, s in trial.seen.items() if len(s) == ndim}
    several = len(maps) == len(trial.outputs) > 1
    if not several or len({s[1] for s in maps.values()}) > 1:
        return trial.outputs, 0
    largest = max(maps.values(), key=lambda s: s[-1] * s[-2])
    if trial.shape[-1] > largest[-1] * 8:  # levels of boxes
        return trial.outputs, 0
    first = next(name for name, shape in maps.items() if shape == largest)
    return {first: trial.outputs[first]}, len(maps) - 1


def _stuff(outputs: Mapping[str, Shape]) -> tuple[str, ...]:
    """Return the outputs that are class maps beside objects, by their names."""
    maps = [n for n, s in outputs.items() if len(s) == 4 and _STUFF.search(n)]
    stuff = tuple(n for n in maps if not _OBJECTS.search(n))
    return stuff if 0 < len(stuff) < len(outputs) else ()


def _stacked(
    trial: Trial, graph: Graph, classes: tuple[str, ...], stuff: tuple[str, ...]
) -> Recognized:
    """Return objects with class maps beside them: Panoptic FPN, YOLOP v2."""
    rest = {name: shape for name, shape in trial.outputs.items() if name not in stuff}
    things = recognized(rest, ())
    count = class_count(things.reading, trial.outputs)
    names = classes[:count] or assumed_classes(count) or numbered(max(count, 1))
    parts: list[Reading] = [things.reading.model_copy(update={"classes": names})]
    further = list(classes[count:])
    for name in stuff:
        maps = recognized({name: trial.outputs[name]}, ()).reading
        assert isinstance(maps, ClassMaps)
        maps = _activated(maps, trial, graph, ())
        number = _map_classes(maps, trial.outputs)
        own = tuple(further[:number]) or (
            (name,) if number == 1 else tuple(f"{name} {i + 1}" for i in range(number))
        )
        del further[:number]
        parts.append(maps.model_copy(update={"classes": own}))
    regions = ", ".join(stuff)
    reading = Stacked(parts=tuple(parts))
    return Recognized(
        reading.model_copy(update={"classes": reading.class_names}),
        f"{things.sentence}; with maps of regions ({regions})",
    )


def _named(reading: Reading, outputs: Mapping[str, Shape]) -> Reading:
    """Return a reading whose classes have names."""
    if reading.classes or isinstance(reading, Stacked):
        return reading
    if isinstance(reading, ClassMaps):
        count = _map_classes(reading, outputs)
        names = numbered(count)
    else:
        count = class_count(reading, outputs)
        names = assumed_classes(count) or numbered(count)
    return reading.model_copy(update={"classes": names})


def numbered(count: int) -> tuple[str, ...]:
    """Return names for classes without any."""
    return ("object",) if count == 1 else tuple(f"class {i + 1}" for i in range(max(count, 0)))


def _map_classes(reading: ClassMaps, outputs: Mapping[str, Shape]) -> int:
    """Return the number of classes of maps, without the background."""
    shape = outputs[reading.outputs[0] if reading.outputs else next(iter(outputs))]
    count = shape[-1] if reading.channels_last else shape[1]
    if reading.activation == "index" or count < 1:
        return 1
    return count - (reading.background == "first" and count > 1)


def class_count(reading: Reading, outputs: Mapping[str, Shape]) -> int:
    """Return the number of classes that the shapes of the outputs show; 0 if they do not."""
    named = reading.outputs or tuple(outputs)
    shapes = [outputs[name] for name in named if name in outputs]
    if not shapes or isinstance(reading, BoxMasks):
        return 0
    if isinstance(reading, Queries):
        return shapes[0][-1] - (reading.no_object == "last")
    if not isinstance(reading, Prototypes | Boxes):
        return 0
    masks = next((s[1] for s in shapes if len(s) == 4), 0)
    if reading.layout == "yolact":
        return shapes[1][-1] - 1
    if reading.layout == "v8":
        return shapes[0][1] - 4 - masks
    if reading.layout in ("v5", "levels"):
        return shapes[0][-1] - 5 - (masks if reading.layout == "v5" else 0)
    if isinstance(reading, Boxes) and reading.layout == "queries":
        return shapes[0][-1] - (reading.no_object == "last")
    return 0
