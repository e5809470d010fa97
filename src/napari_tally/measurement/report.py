"""The HTML report of one image: objects, sizes and methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.atomic import write_text
from ..figures.charts import histogram
from ..figures.html import render
from ..figures.orthogonal_planes import Plane, planes
from ..objects.summary import size_column, summary
from .data_dictionary import formatted_unit
from .display_table import ML_IN_MM3, listing, title

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume

LISTED = 50  # objects with a row in the table and a number in the pictures
_MOST_COLUMNS = 12
_MIN_HISTOGRAM = 5  # objects
# Columns of the table of objects by name, group or prefix, in this order.
_NAMES = ("label", "t", "track", "class_name", "confidence", "parent")
_GROUPS = ("size", "diameters")
_PREFIXES = ("feret_max", "feret_min", "elongation", "intensity_mean", "touches_border")


def write_report(
    path: Path,
    labels: Volume,
    images: Sequence[Volume],
    tables: Mapping[str, pd.DataFrame],
    about: Mapping[str, Any],
    segmented: Mapping[str, Any] | None = None,
) -> None:
    """Write a self-contained HTML report.

    Files are named without their folders, which may identify a patient.

    Parameters
    ----------
    path : Path
        The HTML file.
    labels : Volume
        Labels with the calibration of the table.
    images : sequence of Volume
        Images on the same grid.
    tables : mapping
        The tables "objects" and "image".
    about : mapping
        Their data dictionary.
    segmented : mapping, optional
        The run record of the segmentation that made the labels.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    table = tables["objects"]
    size = size_column(table)
    largest = table.sort_values(size, ascending=False, kind="stable").head(LISTED)
    columns = {name: each["columns"] for name, each in about["tables"].items()}
    enough = len(table) >= _MIN_HISTOGRAM
    page = render(
        "measurement",
        title=about["sources"]["labels"]["name"],
        lead=_lead(table, size),
        planes=list(_planes(labels, images, set(largest["label"].tolist()))),
        image=listing(tables["image"], _of_image(tables["image"], size), columns["image"]),
        sizes=histogram(table[size].to_numpy(float), title(columns["objects"][size]))
        if enough
        else None,
        objects=listing(largest, _of_objects(columns["objects"]), columns["objects"]),
        shown=len(largest),
        total=len(table),
        made=list(_made(labels, about, segmented or {})),
    )
    write_text(page, path)


def _lead(table: pd.DataFrame, size: str) -> str:
    """Return the summary, with the total in mL for volumes in mm³."""
    total = f", {table[size].sum() * ML_IN_MM3:.3g} mL in total" if size == "volume_mm3" else ""
    return summary(table) + total


def _planes(
    labels: Volume, images: Sequence[Volume], numbered: set[int]
) -> Iterator[tuple[Plane, list[tuple[float, float, int]]]]:
    """Yield planes with the ids of some objects and their positions."""
    for plane in planes(labels, images):
        yield plane, [(*place, i) for i, place in plane.places.items() if i in numbered]


def _of_image(image: pd.DataFrame, size: str) -> list[str]:
    """Return the columns to show of the table of the whole image."""
    wanted = ("t", "class_name", "count", f"total_{size}", f"median_{size}", "fraction")
    return [c for c in (*wanted, *image) if c in image and (c in wanted or "density" in c)][
        : len(wanted) + 1
    ]


def _of_objects(columns: Mapping[str, Any]) -> list[str]:
    named = [c for c in _NAMES if c in columns]
    grouped = [c for g in _GROUPS for c in columns if columns[c].get("group") == g]
    started = [c for start in _PREFIXES for c in columns if c.startswith(start)]
    return list(dict.fromkeys([*named, *grouped, *started]))[:_MOST_COLUMNS]


def _made(
    labels: Volume, about: Mapping[str, Any], segmented: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the provenance of the measurements."""
    sources, options = about["sources"], about["options"]
    files = [sources["labels"], *sources["images"], *filter(None, [sources.get("parents")])]
    yield "Files", ", ".join(_named(f) for f in files)
    shape = " × ".join(f"{a} {n}" for a, n in zip(labels.axes, labels.shape, strict=True))
    yield "Image", f"{shape}; voxel {formatted_unit(labels.describe_spacing())}"
    yield from _segmented(segmented)
    ring = "" if options["ring"] is None else f"; background ring {options['ring']:g}"
    yield "Measured", ", ".join(options["groups"]) + ring
    versions = about["versions"]
    yield "Program", f"napari-tally {versions.get('napari-tally', '')}".strip()
    yield "Date", about["date"].replace("T", " ")


def _named(source: Mapping[str, str]) -> str:
    """Return the name of a file with its hash, which layers do not have."""
    known = source.get("sha256")
    return f"{source['name']} (SHA-256 {known[:12]}…)" if known else source["name"]


def _segmented(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the model and the options of a run record."""
    model = record.get("model")
    if not isinstance(model, dict):
        return
    name = Path(str(model.get("name"))).name
    yield "Model", f"{name} {model.get('version', '')} (SHA-256 {str(model.get('sha256'))[:12]}…)"
    options = record.get("options")
    plain = options.items() if isinstance(options, dict) else ()
    parts = [f"{k} {v}" for k, v in plain if isinstance(v, str | float | int) and v is not False]
    yield "Segmented", ", ".join(parts)
