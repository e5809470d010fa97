"""Write the reference of all measurements from their declarations.

    python docs/generate_measurements.py

The site is built with it; nothing is kept in the repository.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from napari_tally.features.declare.feature import AXIS, Feature, Group, Per
from napari_tally.features.declare.options import DEFAULT
from napari_tally.features.registry import GROUPS
from napari_tally.measurement.data_dictionary import OTHER_COLUMNS

INTRO = """\
# Measurements

```bash
tally measure labels.tif --images image.tif --groups shape,intensity --output table.csv
tally measure --list
```

```python
napari_tally.measure("labels.tif", "image.tif", groups=["shape", "intensity"])
```

Measurements come in groups. `size` and `place` are always measured. Without `--groups`, so are
{default}; `--groups all` measures everything.

**Units** are part of the column name. Below, `um` stands for the table's unit of length: µm, mm for
images calibrated in mm or cm, and px for images without calibration. *CHANNEL* is the channel's
name or number; an image with a single unnamed channel has none. *AXIS* is `z`, `y` or `x`.

**Files.** The suffix of the output sets the format: `.csv`, `.parquet`, `.xlsx` (one sheet per
table) or `.h5ad` (AnnData: measurements in `X` with units in `var`; ids, classes and bounding boxes
in `obs`; centroids as x, y, z in `obsm["spatial"]`). Beside `table.csv` you find `table_image.csv`
(one row per image), `table_parents.csv` with `--parents`, `table_tracks.csv` and `table_linked.tif`
with `--track`, `table_outlines.zip` (ImageJ) or `table_outlines.geojson` (QuPath) with
`--outlines`, and `table.json`: title, definition and unit of every column, and how, when and with
which version the table was made.

**Pictures.** Each group is shown by one of its measurements, dark for low and bright for high
values, on this image:

![Objects of different brightness on an uneven background](../images/measure_image.png)

This page is generated from the declarations in `src/napari_tally/features`.
"""
OTHERS = """\
## Other columns

These identify an object or summarize an image or a parent. In front of a measurement's name,
`median_` and `total_` summarize the objects of an image, and `children_` sums the objects inside of
a parent.
"""
# The reasons of benchmarks/agreement.py, with figures.
AGREEMENT = """\
## Agreement with other programs

`benchmarks/agreement.py` compares these columns with scikit-image's `regionprops_table`,
SimpleITK's `LabelShapeStatistics` and `LabelIntensityStatistics`, and a recomputation from a table
of voxels in pandas, on real labels in 2D and 3D: isotropic, anisotropic and oblique. Sizes, boxes,
centroids, axes, extent, Euler number, convex hull, isotropic perimeter and intensities are equal to
rounding. The others differ for these reasons:

- `feret_max`: scikit-image measures between the points of the level set of the hull (up to 5 %
  less), SimpleITK between voxel centres (up to 20 % less for small objects, 0 for a single pixel),
  we between the midpoints of voxel faces.
- `perimeter`, `surface_area`: for voxels that are not cubes, ITK's estimate depends on the
  direction of the object: 0.83 to 1.12 of the perimeter of ellipses of 0.8 x 0.3 um pixels, ours
  0.94 to 1.04. Surface areas differ by up to 22 % there, and by up to 2 % for cubes.
- `elongation`, `flatness`: ITK takes voxels as points, so that the ratio of a flat object is
  infinite; we take them as boxes (up to 9 % for small objects).
- `intensity_std`: ITK divides by n - 1, we by n, as `numpy.std` and scikit-image do.
- `intensity_median`: ITK takes the median of a histogram of 128 bins (up to 4 %).

scikit-image measures no perimeter of pixels that are not square.
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
        text = f"**{each.title}.** {each.definition}"
        yield line((f"`{column(each)}`", text, axes, each.source))


def section(group: Group) -> Iterator[str]:
    """Yield the lines about a group."""
    default = ", measured by default" if group.name in DEFAULT else ""
    yield f"## {group.title}"
    yield ""
    yield f"`{group.name}`{default}. Cost: {group.cost.value}."
    yield ""
    if group.name in SHOWN:
        yield f"![Objects coloured by {SHOWN[group.name]}](../images/measure_{group.name}.png)"
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
    return "\n".join([*lines, AGREEMENT, OTHERS, *table(OTHER_COLUMNS)]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
