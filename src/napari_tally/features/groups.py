"""All groups of measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import InputError
from .background import BACKGROUND
from .colocalization import COLOCALIZATION
from .diameters import DIAMETERS
from .distribution import DISTRIBUTION
from .hull import HULL
from .intensity import BALANCE, INTENSITY
from .mesh import MESH
from .neighbours import NEIGHBOURS
from .pieces import PIECES
from .shape import SHAPE
from .size import BORDER, PLACE, SIZE
from .surface import SURFACE
from .thickness import THICKNESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .declared import Group

GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
        SIZE,
        PLACE,
        SHAPE,
        SURFACE,
        MESH,
        HULL,
        DIAMETERS,
        THICKNESS,
        BORDER,
        PIECES,
        NEIGHBOURS,
        INTENSITY,
        BALANCE,
        DISTRIBUTION,
        BACKGROUND,
        COLOCALIZATION,
    )
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


def are_alone(names: Sequence[str]) -> bool:
    """Tell whether no object's numbers depend on the others, by what is to be measured."""
    return all(group.alone for group in chosen(names))
