"""Options of measuring label images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from ..core.options import Offer, Options
from ..core.quantity import Quantity, QuantityText, parse_quantity, table_unit
from ..features.declare.options import DEFAULT, Measurements
from ..features.registry import GROUPS, chosen
from ..files.options import Resample
from ..files.tables.tables import TableFormat

if TYPE_CHECKING:
    from ..core.volume import Volume

ALL = "all"
_ALWAYS = ("size", "place")  # needed for summaries, parents, tracks and other programs


def _offered_groups() -> tuple[str, ...]:
    return (*GROUPS, ALL)


class MeasureOptions(Options):
    """What is measured in label images, and which outputs are written."""

    groups: Annotated[tuple[str, ...], Offer(aliases=("set",), choices=_offered_groups)] = Field(
        DEFAULT,
        description="Groups of measurements, such as shape,intensity, or all. Size and place are "
        "always measured.",
    )
    ring: Annotated[QuantityText, Offer(label="Background ring")] = Field(
        None,
        description="Width of the background ring around each object, such as 2um or 5px. "
        "Default: a quarter of the median diameter.",
    )
    spacing: QuantityText = Field(
        None, description="Voxel size, such as 0.5,0.1,0.1um; overrides the files."
    )
    separate: bool = Field(
        False,
        description="Split each id into connected components (one object each), such as those of a "
        "binary mask, and write them.",
    )
    full_masks: bool = Field(
        False,
        description="Measure objects that overlap by their full masks, which are in the COCO JSON "
        "beside the labels (a_objects.json or a_coco.json of a_labels.tif), not by what is visible "
        "of them.",
    )
    static_labels: bool = Field(
        False, description="Measure labels without time axis in every frame of a time series."
    )
    resample: Resample = False
    track: bool = Field(False, description="Link the objects of a time series over time.")
    outlines: Literal["zip", "geojson"] | None = Field(
        None, description="Also write outlines for ImageJ (zip) or QuPath (geojson)."
    )
    table: TableFormat = "csv"
    overwrite: bool = Field(False, description="Replace results that exist.")

    @field_validator("groups")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        group_names(names)
        return names


def group_names(names: Iterable[str] = DEFAULT) -> tuple[str, ...]:
    """Return the names of the selected groups; "all" selects every group.

    Size and place are always included.

    Raises
    ------
    InputError
        If there is no group of that name.
    """
    selected = [name.strip().lower() for name in names if name.strip()]
    names = list(GROUPS) if ALL in selected else [*_ALWAYS, *selected]
    return tuple(group.name for group in chosen(names))


def measurements(names: Iterable[str], ring: str | Quantity | None, labels: Volume) -> Measurements:
    """Return the measurement options for some labels.

    Parameters
    ----------
    names : iterable of str
        Groups of measurements.
    ring : str or Quantity, optional
        Width of the background ring around an object, such as "2um".
    labels : Volume
        Labels, whose calibration determines the unit of the table.

    Raises
    ------
    InputError
        If there is no such group, or the ring cannot be converted to the unit of the table.
    """
    if ring is None:
        return Measurements(groups=group_names(names))
    width = parse_quantity(ring) if isinstance(ring, str) else ring
    unit = table_unit(labels.unit, labels.spacing)
    return Measurements(groups=group_names(names), ring=width.to(unit)[0])


def listed_groups() -> list[str]:
    """Return a line for each group: its name, title and cost."""
    width = max(map(len, GROUPS))
    lines = [
        f"{name:{width}} {'*' if name in DEFAULT else ' '} {group.title} ({group.cost.value})"
        for name, group in GROUPS.items()
    ]
    return [*lines, f"{'':{width}} * measured by default"]
