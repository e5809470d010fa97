"""Write docs/measurements.md, the reference of all measurements, from their declarations.

python docs/measurements.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari_tally.features.declare.feature import AXIS, Feature, Group, Per
from napari_tally.features.declare.options import DEFAULT
from napari_tally.features.registry import GROUPS
from napari_tally.measurement.data_dictionary import OTHER_COLUMNS

HERE = Path(__file__).with_suffix(".md")
INTRO = """\
# Measurements

```
tally measure labels.tif --image image.tif --set shape,intensity --output table.csv
tally measure --list
```

```python
napari_tally.measure("labels.tif", "image.tif", groups=["shape", "intensity"])
```

A group is measured as a whole. `size` and `place` always are, and so are {default} unless
`--set` names others; `--set all` takes every one.

**Units** are in the names of the columns. `um` stands below for µm; it is `mm` where the image is
calibrated in mm or cm, and `px` where it has no calibration. *CHANNEL* is the name or number of a
channel; a single one without a name has none. *AXIS* is `z`, `y` or `x`.

**What is written.** The suffix says how: `.csv`, `.parquet`, `.xlsx` (the tables as sheets) or
`.h5ad` (AnnData: measurements in `X` with their units in `var`, ids, classes and bounding boxes in
`obs`, centroids along x, y, z in `obsm["spatial"]`). Beside `table.csv` lie `table_image.csv`, a
row for the whole image; `table_parents.csv` with `--parents`; `table_tracks.csv` and
`table_linked.tif` with `--track`; `table_outlines.zip` (ImageJ) or `.geojson` (QuPath) with
`--outlines`; and `table.json`, in which each column has its title, definition and unit, and which
says of what, how, when and with which version it was made. `--report page.html` writes a page to
read and print.

**Folders.** `tally measure labels/ --image images/ --parents cells/ --output tables/` pairs files
by their names (`a_labels.tif` with `a.tif`) and tells what has no partner.

**Pictures.** Objects are coloured by one measurement of a group: dark is little, bright is much.
This is their image:

![Objects of different brightness on an uneven background](images/measure_image.png)

This page is made from the declarations in `src/napari_tally/features`.
"""
OTHERS = """\
## Other columns

What says which object a row is, and what is counted of whole images and of parents. Before the
name of a measurement, `median_` and `total_` are over the objects of the image, and `children_`
is the sum over the objects in a parent.
"""
HEADER = ("Column", "What it is", "In", "Source")
# The measurement of a group that its picture shows: see measurement_pictures.py.
SHOWN = {
    "size": "equivalent_diameter",
    "shape": "elongation",
    "surface": "circularity",
    "hull": "solidity",
    "diameters": "diameter_in_plane",
    "thickness": "inscribed_radius",
    "border": "touches_border",
    "pieces": "pieces",
    "neighbours": "nearest_neighbour_distance",
    "intensity": "intensity_mean",
    "balance": "intensity_displacement",
    "background": "intensity_above_background",
}
CHANNELS = {
    Per.OBJECT: "",
    Per.CHANNEL: "_CHANNEL",
    Per.PAIR: "_CHANNEL_CHANNEL",
    Per.ORDERED_PAIR: "_CHANNEL_CHANNEL",
}


def column(feature: Feature) -> str:
    """Return the name of a measurement's column."""
    key = feature.key.replace(AXIS, "AXIS")
    return f"{key}{feature.suffix('um')}{CHANNELS[feature.per]}"


def line(cells: tuple[str, ...]) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(features: tuple[Feature, ...]) -> Iterator[str]:
    """Yield the lines of a table of measurements."""
    yield line(HEADER)
    yield line(("---",) * len(HEADER))
    for each in features:
        axes = ", ".join(f"{n}D" for n in each.ndim)
        said = f"**{each.title}.** {each.definition}"
        yield line((f"`{column(each)}`", said, axes, each.source))


def section(group: Group) -> Iterator[str]:
    """Yield the lines about a group."""
    default = ", measured by default" if group.name in DEFAULT else ""
    yield f"## {group.title}"
    yield ""
    yield f"`{group.name}`{default}. Cost: {group.cost.value}."
    yield ""
    if group.name in SHOWN:
        yield f"![Objects coloured by {SHOWN[group.name]}](images/measure_{group.name}.png)"
        yield ""
        yield f"Coloured by `{SHOWN[group.name]}`."
        yield ""
    yield from table(group.features)
    yield ""


def page() -> str:
    """Return the whole page."""
    chosen = [f"`{name}`" for name in DEFAULT if name not in ("size", "place")]
    default = f"{', '.join(chosen[:-1])} and {chosen[-1]}"
    lines = [INTRO.format(default=default)]
    for group in GROUPS.values():
        lines += section(group)
    return "\n".join([*lines, OTHERS, *table(OTHER_COLUMNS)]) + "\n"


if __name__ == "__main__":
    HERE.write_text(page(), encoding="utf-8")
