"""All groups of measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.errors import InputError
from .diameters import DIAMETERS
from .hull import HULL
from .intensity import INTENSITY
from .size import AXES, BORDER, PLACE, SIZE
from .thickness import THICKNESS

if TYPE_CHECKING:
    from .declared import Group

GROUPS: dict[str, Group] = {
    g.name: g for g in (SIZE, PLACE, AXES, BORDER, HULL, DIAMETERS, THICKNESS, INTENSITY)
}


def chosen(names: Sequence[str]) -> list[Group]:
    """Return groups by their names, in the order of `GROUPS`.

    Raises
    ------
    InputError
        If there is no group of a name.
    """
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        raise InputError(
            f"Groups of measurements are needed: {', '.join(GROUPS)}", ", ".join(unknown)
        )
    return [group for name, group in GROUPS.items() if name in names]
