"""What the outputs of a BioImage.IO model are: classes, or foreground and boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ModelError
from ...heads import Boundary, Semantic
from ...mask_sets.readings import ClassMaps, ForegroundBoundary, Reading

if TYPE_CHECKING:
    from ...heads.base import Head
    from .bioimageio_description import Description, TensorEntry
    from .proposal import ImportSettings

_BORDER = ("boundar", "border", "edge", "contour", "membrane", "outline")
_INSIDE = ("foreground", "inside", "interior", "nucle", "cell", "mask", "body", "object")
_UNREADABLE = {
    "stardist": "star-convex distances (StarDist)", "affinit": "affinities",
    "embedding": "embeddings", "flow": "flows (Cellpose)", "cellpose": "flows (Cellpose)",
}  # fmt: skip
_PLAIN = ("probability", "prob", "output", "channel", "raw", "prediction", "c", "segmentation", "")
_SLACK = 0.01  # by which probabilities may leave 0 to 1, and their sum 1


@dataclass(frozen=True)
class Meaning:
    """What an output is.

    Attributes
    ----------
    separate : bool
        Whether its only class is split into connected components.
    """

    reading: Reading
    head: Head
    sentence: str
    separate: bool = False
    warnings: tuple[str, ...] = ()


def chosen_output(found: Description, names: list[str], settings: ImportSettings) -> int:
    """Return the number of the output that counts: the first with maps, unless one is given.

    Raises
    ------
    ModelError
        If there is none.
    """
    given = settings.reading.outputs if settings.reading is not None else ()
    ids = [entry.id for entry in found.outputs]
    for each in given:
        if each in ids or each in names:
            return ids.index(each) if each in ids else names.index(each)
        raise ModelError(f"{found.name} has the outputs {', '.join(ids)}, but no {each!r}")
    for number, entry in enumerate(found.outputs):
        if {"y", "x"} <= set(entry.order) and set(entry.order) <= set("bczyx"):
            return number
    orders = ", ".join(f"{entry.id} {entry.order}" for entry in found.outputs)
    raise ModelError(f"No output of {found.name} has the axes of an image: {orders}")


def meaning(
    found: Description,
    entry: TensorEntry,
    name: str,
    values: NDArray[Any],
    settings: ImportSettings,
) -> Meaning:
    """Return the reading and head of an output.

    Parameters
    ----------
    name : str
        Of the output in the file of the network.
    values : ndarray, shape (C, *spatial)
        Such an output, after its post-processing.

    Raises
    ------
    ModelError
        If no head reads it.
    """
    channel = entry.axis("c")
    names = tuple(channel.channel_names) if channel is not None else ()
    _check_readable(found, names, len(values))
    activation, warnings = _activation(values)
    common: dict[str, Any] = {"outputs": (name,), "activation": activation}
    if settings.reading is not None:
        reading = settings.reading.model_copy(update={"outputs": (name,)})
        return Meaning(reading, _head(reading, len(values)), "The reading is the given one")
    borders = _borders(found, names, len(values))
    if borders is not None and not settings.classes:
        inside, border = borders
        reading = ForegroundBoundary(
            **common, foreground=inside, boundary=border, whole=len(values) == 2
        )
        sentence = "Maps of foreground and boundary: touching objects are separated"
        assumed = () if names else ("The channels have no names: foreground and boundary assumed",)
        return Meaning(reading, Boundary(), sentence, warnings=(*warnings, *assumed))
    first = len(values) > 1 and _has_background(names, values, activation)
    classes = settings.classes or _classes(names, len(values) - first)
    reading = ClassMaps(**common, background="first" if first else "none", classes=classes)
    if len(classes) != len(values) - first:
        raise ModelError(
            f"{len(classes)} classes were given, but {entry.id} has {len(values) - first}"
        )
    single = len(classes) == 1
    sentence = (
        f"One map, of {classes[0]}: its connected components are the objects"
        if single
        else f"Maps of {len(classes)} classes: {', '.join(classes)}"
    )
    return Meaning(reading, Semantic(classes=classes), sentence, single, warnings)


def _head(reading: Reading, channels: int) -> Head:
    if isinstance(reading, ForegroundBoundary):
        return Boundary()
    if not isinstance(reading, ClassMaps):
        raise ModelError(
            f"A BioImage.IO model with the reading {reading.name} is not supported",
            hint="Give one of class-maps or foreground-boundary",
        )
    count = channels - (reading.background == "first" and channels > 1)
    return Semantic(classes=reading.classes or _classes((), count))


def _check_readable(found: Description, names: tuple[str, ...], count: int) -> None:
    """Refuse outputs that are known to be no maps of classes."""
    if count == 1:
        return
    text = " ".join((found.name, *found.tags, *names)).lower()
    for word, what in _UNREADABLE.items():
        if word in text:
            raise ModelError(f"The output of {found.name} is of {what}, which is not supported")


def _activation(values: NDArray[Any]) -> tuple[str, tuple[str, ...]]:
    """Return how values become probabilities, by those of an example."""
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if low >= -_SLACK and high <= 1 + _SLACK:
        return "none", ()
    how = "softmax" if len(values) > 1 else "sigmoid"
    return how, (f"The output is from {low:.2g} to {high:.2g}: a {how} makes probabilities of it",)


def _borders(found: Description, names: tuple[str, ...], count: int) -> tuple[int, int] | None:
    """Return the channels of foreground and boundary, None if they are others."""
    lower = [name.lower() for name in names]
    border = [i for i, name in enumerate(lower) if any(word in name for word in _BORDER)]
    inside = [i for i, name in enumerate(lower) if any(word in name for word in _INSIDE)]
    inside = [i for i in inside if i not in border]
    if count in (2, 3) and len(border) == len(inside) == 1:
        return inside[0], border[0]
    text = " ".join((found.name, found.description, *found.tags)).lower()
    if count == 2 and not names and any(word in text for word in ("boundar", "border")):
        return 0, 1
    return None


def _has_background(names: tuple[str, ...], values: NDArray[Any], activation: str) -> bool:
    if names:
        return names[0].lower() in ("background", "bg", "void")
    return activation == "softmax" or bool(np.abs(values.sum(axis=0) - 1).max() < _SLACK)


def _classes(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    own = names[len(names) - count :] if names else ()
    plain = {name.lower().rstrip("0123456789_- ") for name in own} <= set(_PLAIN)
    if own and not plain and len(set(own)) == count:
        return tuple(own)
    return ("object",) if count == 1 else tuple(f"class {i + 1}" for i in range(count))
