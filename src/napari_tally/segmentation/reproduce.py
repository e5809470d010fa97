"""Python code and a command line that reproduce a run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .setup.options import SegmentOptions


def python_code(
    image: str,
    model: str,
    options: SegmentOptions,
    *,
    axes: str | None,
    spacing: str | None,
    cuts: tuple[slice, ...] | None = None,
) -> str:
    """Return a Python program that segments an image again.

    Parameters
    ----------
    image : str
        A path, or a Python expression for an array (in a napari console).
    axes, spacing : str, optional
        Given if the file has none. With neither, the file's own are used, and its affine.
    cuts : tuple of slice, optional
        The part of the array that was segmented.
    """
    lines = ["import napari_tally", ""]
    if Path(image).exists() and axes is None and cuts is None:
        lines.append(f"image = napari_tally.read({image!r})")
    elif Path(image).exists():
        lines.append(f"image = napari_tally.read({image!r}, axes={axes!r}).array")
    else:
        lines.append(f"image = {image}")
    if cuts is not None:
        places = ", ".join(f"{c.start}:{c.stop}" for c in cuts)
        lines.append(f"image = image[{places}]")
    given = {"axes": axes, "spacing": spacing, **_changed(options)}
    arguments = [f"{k}={v!r}" for k, v in given.items() if v is not None]
    lines += [
        "result = napari_tally.segment(",
        *(f"    {a}," for a in ("image", f"model={model!r}", *arguments)),
        ")",
        "print(result.summary)",
    ]
    return "\n".join(lines) + "\n"


def command_line(
    image: str, model: str, options: SegmentOptions, *, axes: str | None, spacing: str | None
) -> str:
    """Return the command that segments an image file again."""
    words = ["tally", "segment", image, "--model", model]
    words += [] if axes is None else ["--axes", axes]
    words += [] if spacing is None else ["--spacing", spacing]
    changed = _changed(options)
    for name, value in changed.pop("tune", {}).items():
        words += ["--tune", f"{name}={value!r}"]
    changed |= changed.pop("tiling", {})
    for name, value in changed.items():
        words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return shlex.join([*words, "--output", "tally-results"])


def _changed(options: SegmentOptions) -> dict[str, Any]:
    """Return what differs from the defaults, in plain values."""
    return options.model_dump(exclude_defaults=True, exclude={"keep_maps"})
