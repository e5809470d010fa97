"""All groups of measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import InputError
from .groups.background import BACKGROUND
from .groups.colocalization import COLOCALIZATION
from .groups.diameters import DIAMETERS
from .groups.distribution import DISTRIBUTION
from .groups.hull import HULL
from .groups.intensity import BALANCE, INTENSITY
from .groups.mesh import MESH
from .groups.neighbours import NEIGHBOURS
from .groups.pieces import PIECES
from .groups.shape import SHAPE
from .groups.size import BORDER, PLACE, SIZE
from .groups.surface import SURFACE
from .groups.thickness import THICKNESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .declare.feature import Group

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
