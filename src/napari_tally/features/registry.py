"""All groups of measurements; a new one is a file in `groups` and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import unknown_name
from .groups.background import BACKGROUND
from .groups.colocalization import COLOCALIZATION
from .groups.distribution import DISTRIBUTION
from .groups.hull_and_feret import HULL
from .groups.intensity import BALANCE, INTENSITY
from .groups.mesh import MESH
from .groups.neighbours import NEIGHBOURS
from .groups.pieces import PIECES
from .groups.shape import SHAPE
from .groups.size import BORDER, PLACE, SIZE
from .groups.slice_diameters import DIAMETERS
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
        If a group does not exist; the error suggests the nearest name.
    """
    for name in names:
        if name not in GROUPS:
            raise unknown_name("group of measurements", name, GROUPS)
    return [group for name, group in GROUPS.items() if name in names]


def are_independent(names: Sequence[str]) -> bool:
    """Return whether the measurements of an object do not depend on other objects."""
    return all(group.independent for group in chosen(names))
