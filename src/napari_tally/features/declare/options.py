"""Options for measuring objects."""

from __future__ import annotations

from pydantic import Field

from ...core.options import Options

DEFAULT = ("size", "place", "shape", "surface", "border", "intensity")


class Measurements(Options):
    """Groups of measurements and their options."""

    groups: tuple[str, ...] = Field(DEFAULT, description="Groups of measurements")
    ring: float | None = Field(
        None,
        gt=0,
        description="Width of the ring of background around an object, in the table's unit of "
        "length. Default: a quarter of the objects' median diameter",
    )
