"""Messages about a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...segmentation.maps.kept_maps import LIMIT

if TYPE_CHECKING:
    from .job import Done


def explained(done: Done, *, edited: bool = False) -> str:
    """Return a summary of a result, its notes, and the memory of its cached maps."""
    found = done.result.summary if edited or _some(done) else nothing_found(done)
    if edited:
        found += "\nMeasured again after edits of the labels."
    notes = [f"{note}." for note in done.result.notes]
    return "\n".join([found, *notes, *_slider_notes(done.job.volume.axes), *cache_notes(done)])


def _slider_notes(axes: str) -> list[str]:
    """Return a remark if napari shows other labels than those of the plane in view."""
    if "C" not in axes[1:-1]:
        return []
    note = (
        f"napari aligns layers by their last axes, and this image has the axes {axes}: the labels "
        "do not follow its sliders. Their table is right. To see them on the image, open it with "
        "the channels as the first axis or as separate layers."
    )
    return [note]


def _some(done: Done) -> bool:
    classes = done.result.classes_table
    return bool(done.result.count) if classes is None else bool(classes["voxels"].sum())


def nothing_found(done: Done) -> str:
    """Explain an empty result, and suggest a remedy."""
    if done.model.info.finds_masks:
        return "Nothing found"
    maps = [m for m in done.result.maps or () if m.size]
    best = max((1 - float(m[0].min()) for m in maps), default=0.0)
    wanted = done.job.options.tuned(done.model.info.head)
    threshold = wanted.parameters.get("threshold", 0.0)
    if best < threshold:
        return (
            f"Nothing found: the prediction maps never exceed {best:.2f}. "
            "Try a lower threshold, or another object size or channel."
        )
    return "Nothing found: all objects are smaller than the minimum size. Lower it."


def cache_notes(done: Done) -> list[str]:
    """Return the memory and disk space of the cached prediction maps."""
    maps = done.result.maps
    if done.model.info.finds_masks:
        return []
    if maps is None:
        return ["The prediction maps are not cached: changing a slider needs another run."]
    disk = f", {size(maps.on_disk)} on disk" if maps.on_disk else ""
    return [f"Prediction maps cached: {size(maps.in_memory)} of {size(LIMIT)} in memory{disk}."]


def size(count: float) -> str:
    """Return a number of bytes in MiB or GiB."""
    return f"{count / 2**20:,.0f} MiB" if count < 2**30 else f"{count / 2**30:.3g} GiB"
