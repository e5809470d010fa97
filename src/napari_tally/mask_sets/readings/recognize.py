"""Which reading the outputs of an unknown network take, by their names and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...core.errors import InputError
from .box_masks import BoxMasks
from .boxes import Boxes
from .class_maps import ClassMaps
from .prototypes import Prototypes
from .queries import Queries
from .reading import HOW_TO_SET, Reading

Shape = tuple[int, ...]  # -1 for an axis of any length
_LARGE = 8  # a grid of fewer cells is none of masks over the image
RF_DETR = {"dets", "labels"}  # the names in its exports
_DETR = 92  # class logits of DETR and YOLOS: 91 numbers of COCO, and no object
_SELECTED = 1000  # a network that selects the objects itself returns no more
_YOLACT = "loc", "conf", "mask", "priors", "proto"


@dataclass(frozen=True)
class Recognized:
    """A reading, and what was understood.

    Attributes
    ----------
    sentence : str
        Such as "300 boxes with 32 coefficients and 80 classes: YOLO, end to end".
    """

    reading: Reading
    sentence: str


def recognized(outputs: Mapping[str, Shape], classes: tuple[str, ...] = ()) -> Recognized:
    """Return the reading of outputs of these names and shapes.

    Parameters
    ----------
    outputs : dict of tuple of int
        Shapes with the batch, -1 for axes of any length.
    classes : tuple of str
        Names of the classes, where the model states them.

    Raises
    ------
    InputError
        If the form is unknown; the message has what was seen, and how to set a reading by hand.
    """
    for recognize in (_yolact, _prototypes, _queries, _lists, _boxes, _class_maps):
        found = recognize(dict(outputs), classes)
        if found is not None:
            return found
    shapes = ", ".join(f"{n} {_written(s)}" for n, s in outputs.items()) or "no arrays"
    raise InputError(f"The form of the model's outputs is unknown: {shapes}", hint=HOW_TO_SET)


def _yolact(outputs: dict[str, Shape], classes: tuple[str, ...]) -> Recognized | None:
    names = {part: [n for n in outputs if n.lower().startswith(part)] for part in _YOLACT}
    if not all(len(found) == 1 for found in names.values()):
        return None
    chosen = tuple(names[part][0] for part in _YOLACT)
    count, values = outputs[chosen[1]][-2:]
    masks = outputs[chosen[2]][-1]
    sentence = f"{_many(count)} priors with {_many(masks)} coefficients and {values - 1} classes"
    reading = Prototypes(layout="yolact", outputs=chosen, classes=classes)
    return Recognized(reading, f"{sentence}: YOLACT")


def _prototypes(outputs: dict[str, Shape], classes: tuple[str, ...]) -> Recognized | None:
    flat = [n for n, s in outputs.items() if len(s) == 3]
    planes = [n for n, s in outputs.items() if len(s) == 4]
    if len(flat) != 1 or len(planes) != 1 or outputs[planes[0]][1] < 1:
        return None
    count = outputs[planes[0]][1]
    found = _yolo(outputs[flat[0]], count, len(classes))
    if found is None:
        return None
    layout, boxes, kinds, family = found
    reading = Prototypes(layout=layout, outputs=(flat[0], planes[0]), classes=classes)
    coefficients = f"with {count} coefficients"
    what = f" and {_classes(kinds)}" if kinds else ""
    return Recognized(reading, f"{_many(boxes)} boxes {coefficients}{what}: {family}")


def _boxes(outputs: dict[str, Shape], classes: tuple[str, ...]) -> Recognized | None:
    flat = [n for n, s in outputs.items() if len(s) == 3]
    if len(flat) == 2:
        return _box_queries(outputs, flat, classes)
    if len(flat) == 1 and not any(len(s) == 4 for s in outputs.values()):
        found = _yolo(outputs[flat[0]], 0, len(classes))
        if found is not None:
            layout, boxes, kinds, family = found
            what = f" with {_classes(kinds)}" if kinds else ""
            reading = Boxes(layout=layout, outputs=(flat[0],), classes=classes)
            return Recognized(reading, f"{_many(boxes)} boxes{what}, without masks: {family}")
    levels = [n for n, s in outputs.items() if len(s) == 5]
    values = {outputs[n][-1] for n in levels}
    if len(levels) == len(outputs) > 1 and len(values) == 1 and min(values) > 5:
        kinds = outputs[levels[0]][-1] - 5
        sentence = f"{len(levels)} levels of boxes with {_classes(kinds)}, without masks: YOLOv7"
        return Recognized(Boxes(layout="levels", outputs=tuple(levels), classes=classes), sentence)
    return None


def _yolo(shape: Shape, masks: int, named: int) -> tuple[str, int, int, str] | None:
    """Return layout, boxes, classes and family of an array of boxes; None if it is none.

    Boxes are more than the values of one, or of any number. Few rows with 6 values and
    coefficients are the end-to-end form, unless the model has that many classes in another one.
    """
    _, rows, columns = shape
    if columns == 6 + masks and rows <= _SELECTED and named not in (columns - masks - 5,):
        return "end_to_end", rows, named, "YOLO, end to end"
    if rows > 0 and (columns < 0 or columns > rows) and rows - masks - 4 >= 1:
        return "v8", columns, rows - masks - 4, "YOLOv8 or later"
    if columns > 0 and (rows < 0 or rows > columns) and columns - masks - 5 >= 1:
        return "v5", rows, columns - masks - 5, "YOLOv5, YOLOv7 or YOLOR"
    return None


def _box_queries(
    outputs: dict[str, Shape], flat: list[str], classes: tuple[str, ...]
) -> Recognized | None:
    boxes = [n for n in flat if outputs[n][2] == 4]
    named = [n for n in boxes if "box" in n.lower()]
    boxes = named if len(boxes) == 2 else boxes
    if len(boxes) != 1 or any(len(s) == 4 for s in outputs.values()):
        return None
    logits = next(n for n in flat if n != boxes[0])
    count, values = outputs[logits][1:]
    last = values == (len(classes) + 1 if classes else _DETR)
    reading = Boxes(
        layout="queries",
        outputs=(logits, boxes[0]),
        classes=classes,
        no_object="last" if last else "none",
        activation="softmax" if last else "sigmoid",
    )
    family = "DETR" if last else "RT-DETR or the like"
    kinds = _classes(values - last)
    return Recognized(reading, f"{_many(count)} queries with {kinds}, without masks: {family}")


def _queries(outputs: dict[str, Shape], classes: tuple[str, ...]) -> Recognized | None:
    planes = [n for n, s in outputs.items() if len(s) == 4 and "mask" in n.lower()]
    planes = planes or [n for n, s in outputs.items() if len(s) == 4]
    if len(planes) != 1:
        return None
    count = outputs[planes[0]][1]
    flat = [n for n, s in outputs.items() if len(s) == 3 and s[1] == count and s[2] >= 2]
    boxes = [n for n in flat if outputs[n][2] == 4 and "box" in n.lower()]
    logits = [n for n in flat if n not in boxes]
    words = ("logit", "class", "label")
    logits = [n for n in logits if any(w in n.lower() for w in words)] or logits
    if len(logits) != 1 or count == 0:
        return None
    values = outputs[logits[0]][2]
    # With boxes beside the masks and as many values as classes, each class is a sigmoid (RF-DETR).
    none = values == len(classes) if classes else set(outputs) >= RF_DETR
    reading = Queries(
        outputs=(logits[0], planes[0]),
        classes=classes,
        no_object="none" if none else "last",
        activation="sigmoid" if none else "softmax",
    )
    family = "RF-DETR" if none else "Mask2Former, MaskFormer or DETR"
    kinds = _classes(values - (not none))
    return Recognized(reading, f"{_many(count)} queries with masks and {kinds}: {family}")


def _lists(outputs: dict[str, Shape], classes: tuple[str, ...]) -> Recognized | None:
    boxes = [n for n, s in outputs.items() if len(s) == 2 and s[1] == 4]
    lines = [n for n, s in outputs.items() if len(s) == 1]
    masks = [n for n, s in outputs.items() if len(s) == 4]
    if len(boxes) != 1 or len(lines) != 2 or len(masks) > 1:
        return None
    names = (*boxes, *lines, *masks)
    if not masks:
        reading: Reading = Boxes(layout="lists", outputs=names, classes=classes)
        return Recognized(reading, "Boxes, labels and scores, without masks: Faster R-CNN")
    height, width = outputs[masks[0]][-2:]
    small = 0 < height == width < 64
    reading = BoxMasks(pasted=not small, outputs=names, classes=classes)
    how = f"{height} x {width} in each box" if small else "of the size of the image"
    return Recognized(reading, f"Boxes, labels, scores and masks, {how}: Mask R-CNN")


def _class_maps(outputs: dict[str, Shape], classes: tuple[str, ...]) -> Recognized | None:
    maps = [n for n, s in outputs.items() if len(s) in (4, 5) and _is_grid(s)]
    if len(maps) != 1:
        return None
    name, shape = maps[0], outputs[maps[0]]
    last = 0 < shape[-1] < _LARGE <= min(n for n in (*shape[1:-1], _LARGE) if n > 0)
    count = shape[-1] if last else shape[1]
    foreground_only = count == 1 or (bool(classes) and count == len(classes))
    reading = ClassMaps(
        outputs=(name,),
        classes=classes,
        channels_last=last,
        background="none" if foreground_only else "first",
        activation="sigmoid" if foreground_only else "softmax",
    )
    ndim = len(shape) - 2
    kinds = "1 map" if count == 1 else f"{_many(count)} maps"
    return Recognized(reading, f"{kinds} of classes in {ndim}D: class maps")


def _is_grid(shape: Shape) -> bool:
    """Return whether all but one of the axes after the batch may be those of an image."""
    sizes = [n for n in shape[1:] if 0 <= n < _LARGE]
    return len(sizes) <= 1


def _classes(count: int) -> str:
    return "1 class" if count == 1 else f"{_many(count)} classes"


def _many(count: int) -> str:
    return "any number of" if count < 0 else f"{count:,}"


def _written(shape: Shape) -> str:
    return "(" + ", ".join("?" if n < 0 else str(n) for n in shape) + ")"
