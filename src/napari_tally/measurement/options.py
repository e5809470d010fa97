"""What a user asks to be measured, as the options of the measurement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..core.quantity import Quantity, parse_quantity, table_unit
from ..features.declare.options import DEFAULT, Measurements
from ..features.registry import GROUPS, chosen

if TYPE_CHECKING:
    from ..core.volume import Volume

ALL = "all"
_ALWAYS = ("size", "place")  # by which summaries and other programs find the objects


def group_names(names: Iterable[str] = DEFAULT) -> tuple[str, ...]:
    """Return the names of the groups that are asked for; "all" means each of them.

    Size and place are always among them: totals, parents and tracks need them.

    Raises
    ------
    InputError
        If there is no group of a name; it lists them.
    """
    asked = [name.strip().lower() for name in names if name.strip()]
    wanted = list(GROUPS) if ALL in asked else [*_ALWAYS, *asked]
    return tuple(group.name for group in chosen(wanted))


def measurements(names: Iterable[str], ring: str | Quantity | None, labels: Volume) -> Measurements:
    """Return the options with which these labels are measured.

    Parameters
    ----------
    names : iterable of str
        Groups of measurements.
    ring : str or Quantity, optional
        Width of the ring of background around an object, such as "2um".
    labels : Volume
        Whose calibration says in which unit the table will be.

    Raises
    ------
    InputError
        If there is no group of a name, or the ring is no length that fits the labels.
    """
    if ring is None:
        return Measurements(groups=group_names(names))
    width = parse_quantity(ring) if isinstance(ring, str) else ring
    return Measurements(groups=group_names(names), ring=width.to(table_unit(labels.unit))[0])


def listed_groups() -> list[str]:
    """Return a line for each group: its name, its title, and what it costs."""
    width = max(map(len, GROUPS))
    lines = [
        f"{name:{width}} {'*' if name in DEFAULT else ' '} {group.title} ({group.cost.value})"
        for name, group in GROUPS.items()
    ]
    return [*lines, f"{'':{width}} * measured unless others are named"]
