"""What Ultralytics writes into the metadata of its exports, v5 to 26."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import ModelError, printable

_LONGEST = 2**18  # characters of one entry
_NO_SEGMENTATION = {
    "pose": "key points",
    "classify": "one class for a whole image",
    "obb": "rotated boxes",
}


@dataclass(frozen=True)
class Ultralytics:
    """The metadata of an export.

    Attributes
    ----------
    task : str
        "segment", "detect", "semantic" or "" where older versions do not state it.
    classes : tuple of str
    end_to_end : bool, optional
        Whether the network has selected the objects itself.
    """

    task: str = ""
    classes: tuple[str, ...] = ()
    end_to_end: bool | None = None
    image_size: tuple[int, ...] = ()
    stride: int = 0
    description: str = ""
    licence: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def is_ultralytics(metadata: dict[str, str]) -> bool:
    """Return whether metadata are those of Ultralytics; YOLOv5 writes stride and names alone."""
    return "names" in metadata and "stride" in metadata


def read_metadata(metadata: dict[str, str], name: str) -> Ultralytics:
    """Read the metadata as plain values.

    Raises
    ------
    ModelError
        If the model is for another task than boxes, masks or class maps.
    """
    task = metadata.get("task", "").strip().lower()
    if task in _NO_SEGMENTATION:
        raise ModelError(
            f"{name} is a model for the task {task!r}, which finds {_NO_SEGMENTATION[task]}",
            hint="Models for segment, semantic and detect can be imported",
        )
    size = _plain(metadata.get("imgsz", ""))
    size = size if isinstance(size, list | tuple) else [size, size]
    stride = _plain(metadata.get("stride", ""))
    end = metadata.get("end2end", "").strip().lower()
    arguments = _plain(metadata.get("args", ""))
    if isinstance(arguments, dict) and arguments.get("nms") is True:
        end = "true"
    return Ultralytics(
        task=task,
        classes=named(metadata["names"]),
        end_to_end={"true": True, "false": False}.get(end),
        image_size=tuple(n for n in size if isinstance(n, int) and n > 0),
        stride=stride if isinstance(stride, int) and 1 <= stride <= 512 else 0,
        description=printable(metadata.get("description", ""), 300),
        licence=printable(metadata.get("license", "")),
        facts={
            key: printable(metadata[key])
            for key in ("author", "version", "date", "docs")
            if metadata.get(key)
        },
    )


def named(text: str) -> tuple[str, ...]:
    """Return names of classes in their order, of {0: 'person', ...} or ['person', ...]."""
    found = _plain(text)
    if isinstance(found, dict):
        numbered = {int(key): value for key, value in found.items() if str(key).isdigit()}
        found = [numbered[key] for key in sorted(numbered)]
    if not isinstance(found, list | tuple):
        return ()
    names = [printable(str(name), 60) for name in found]
    return tuple(distinct(names))


def distinct(names: list[str]) -> list[str]:
    """Return names without empty or equal ones: a number is added."""
    found: list[str] = []
    for number, name in enumerate(names, 1):
        name = name or f"class {number}"
        found.append(name if name not in found else f"{name} ({number})")
    return found


def _plain(text: str) -> Any:
    """Return a value written as JSON or in Python; None if it is neither."""
    if len(text) > _LONGEST:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None
