"""What is to be measured."""

from __future__ import annotations

from pydantic import Field

from ..core.options import Options

DEFAULT = ("size", "place", "shape", "border", "intensity")


class Measurements(Options):
    """Groups of measurements, and what they need to be told."""

    groups: tuple[str, ...] = Field(DEFAULT, description="Names of the groups: see `GROUPS`")
