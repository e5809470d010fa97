"""What is to be measured."""

from __future__ import annotations

from pydantic import Field

from ...core.options import Options

DEFAULT = ("size", "place", "shape", "surface", "border", "intensity")


class Measurements(Options):
    """Groups of measurements, and what they need to be told."""

    groups: tuple[str, ...] = Field(DEFAULT, description="Names of the groups: see `GROUPS`")
    ring: float | None = Field(
        None,
        gt=0,
        description="Width of the ring of background around an object, in the table's unit of "
        "length; a quarter of the objects' median diameter if not told",
    )
