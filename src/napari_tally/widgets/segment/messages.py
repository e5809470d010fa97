"""What a result is told to the user as, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...segmentation.maps.kept_maps import LIMIT

if TYPE_CHECKING:
    from .job import Done


def explained(done: Done) -> str:
    """Return what was found, what the user should know about it, and what is kept for tuning."""
    found = done.result.summary if _some(done) else nothing_found(done)
    notes = [f"{note}." for note in done.result.notes]
    return "\n".join([found, *notes, *kept(done)])


def _some(done: Done) -> bool:
    classes = done.result.classes_table
    return bool(done.result.count) if classes is None else bool(classes["voxels"].sum())


def nothing_found(done: Done) -> str:
    """Say why there is nothing, and what to try."""
    maps = [m for m in done.result.maps or () if m.size]
    best = max((1 - float(m[0].min()) for m in maps), default=0.0)
    wanted = done.job.options.tuned(done.model.info.head)
    threshold = wanted.parameters.get("threshold", 0.0)
    if best < threshold:
        return (
            f"Nothing found: the maps never pass {best:.2f}. "
            "Try a lower threshold, or another object size or channel."
        )
    return "Nothing found: what there is is too small. Try a smaller smallest size."


def kept(done: Done) -> list[str]:
    """Say what the maps that are kept for tuning take, and where they are above the limit."""
    maps = done.result.maps
    if maps is None:
        return ["Maps are not kept: the sliders need another run."]
    disk = f", {size(maps.on_disk)} on disk" if maps.on_disk else ""
    return [f"Maps kept for tuning: {size(maps.in_memory)} of {size(LIMIT)} in memory{disk}."]


def size(count: float) -> str:
    """Return a number of bytes as one reads it."""
    return f"{count / 2**20:,.0f} MiB" if count < 2**30 else f"{count / 2**30:.3g} GiB"
