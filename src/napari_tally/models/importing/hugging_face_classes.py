"""Names of the classes of a Hugging Face model: background, stuff, and where they are from."""

from __future__ import annotations

import re
from typing import Any

from ...core.errors import ModelError, printable

_GENERIC = re.compile(r"(label|class)?[ _-]?\d+|n/?a", re.IGNORECASE)
_BACKGROUND = {"background", "bg", "__background__", "unlabeled", "unlabelled", "void", "none"}
_CITYSCAPES_THINGS = {
    "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
}  # fmt: skip


def class_names(config: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of all classes in the order of their ids; generic ones where there is none.

    Raises
    ------
    ModelError
        If the ids are not numbers, or far too many.
    """
    listed = config.get("id2label")
    if not isinstance(listed, dict) or not listed:
        count = config.get("num_labels", 2)  # the default of transformers
        if not isinstance(count, int) or not 0 < count < 10_000:
            raise ModelError(f"config.json sets num_labels to {count!r}, which is no such number")
        listed = dict.fromkeys(map(str, range(count)), "")
    try:
        names = {int(key): printable(str(name), 60).strip() for key, name in listed.items()}
    except ValueError:
        raise ModelError("The ids of `id2label` in config.json are not whole numbers") from None
    if min(names) < 0 or max(names) >= 100_000:
        raise ModelError(f"config.json has class ids from {min(names)} to {max(names)}")
    return tuple(_named(names.get(i, ""), i) for i in range(max(names) + 1))


def _named(name: str, number: int) -> str:
    return f"class {number}" if not name or _GENERIC.fullmatch(name) else name


def are_generic(names: tuple[str, ...]) -> bool:
    """Return whether no class has a name of its own."""
    return all(name == f"class {i}" for i, name in enumerate(names))


def has_background(names: tuple[str, ...], *, reduced: bool) -> bool:
    """Return whether class 0 of a class map is the background.

    `reduced` labels have had their background removed for training.
    """
    if reduced or len(names) == 1:
        return False
    return names[0].lower() in _BACKGROUND or are_generic(names)


def stuff_names(names: tuple[str, ...], thing_ids: Any = None) -> tuple[str, ...]:
    """Return the names of classes that are regions, not objects, where that is known.

    `thing_ids` is a list of the ids of things, as OneFormer's preprocessing has one.
    """
    if isinstance(thing_ids, list) and thing_ids:
        things = {int(i) for i in thing_ids if isinstance(i, (int, str)) and str(i).isdigit()}
        return tuple(name for i, name in enumerate(names) if i not in things)
    if len(names) == 133 and names[0] == "person":  # COCO panoptic: 80 things, then stuff
        return names[80:]
    if _is_cityscapes(names):
        return tuple(name for name in names if name not in _CITYSCAPES_THINGS)
    return ()


def trained_on(names: tuple[str, ...], datasets: tuple[str, ...] = ()) -> str:
    """Return what a model was trained on, in words; "" if it is not known."""
    count = f"{len(names)} classes" if len(names) > 1 else "1 class"
    data = f", {', '.join(datasets[:3])}" if datasets else ""
    if _is_cityscapes(names):
        return f"photographs of streets (Cityscapes, {count})"
    if len(names) in (150, 151) and {"wall", "building"} <= set(names):
        return f"photographs (ADE20k, {count})"
    if {"person", "bicycle", "car"} <= set(names) and len(names) >= 80:
        return f"photographs (COCO, {count})"
    if {"aeroplane", "bicycle", "bird", "sofa"} <= set(names):
        return f"photographs (Pascal VOC, {count})"
    return f"{', '.join(datasets[:3])} ({count})" if data else ""


def _is_cityscapes(names: tuple[str, ...]) -> bool:
    return len(names) in (19, 20) and {"road", "sidewalk", "rider"} <= set(names)
