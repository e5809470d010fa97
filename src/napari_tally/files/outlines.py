"""Outlines of objects for other programs: ImageJ ROIs, and GeoJSON for QuPath."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.atomic import replacing, write_text
from ..core.errors import FileError, InputError
from .contours import Outline, outlines

if TYPE_CHECKING:
    import pandas as pd
    from roifile import ImagejRoi

    from ..core.volume import Volume

SUFFIXES = (".zip", ".geojson")
_MOVE, _LINE, _CLOSE = 0, 1, 4  # of a path in Java


def write_outlines(labels: Volume, path: Path, table: pd.DataFrame | None = None) -> None:
    """Write the outline of each object, in px from the image corner, in the format of the suffix.

    `.zip` is for ImageJ's ROI Manager: one ROI per object, named by its id; objects with holes or
    several components become composite ROIs. A stack (Z, Y, X) has one ROI for each object and
    slice. `.geojson` is for QuPath: one detection per object, a Polygon or MultiPolygon.

    Parameters
    ----------
    labels : Volume
        One id per object.
    table : pandas.DataFrame, optional
        Measurements by `label`, stored with the objects in `.geojson`.

    Raises
    ------
    FileError
        If the suffix is unknown, roifile is not installed, or the folder cannot be written.
    InputError
        If the format cannot hold the axes of the labels.
    """
    check_outlines_name(path)
    array = np.asarray(labels.array)
    if path.suffix.lower() == ".zip":
        _check_axes(labels, "ImageJ's ROIs", ("YX", "ZYX"))
        _write_rois(array, path)
    else:
        _check_axes(labels, "QuPath's GeoJSON", ("YX",))
        _write_geojson(outlines(array), path, table)


def check_outlines_name(path: Path) -> None:
    """Check the suffix, and that its package is installed.

    Raises
    ------
    FileError
        If one of them fails.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FileError(
            f"The outline format of {path} is not supported", hint=f"Use {' or '.join(SUFFIXES)}"
        )
    if suffix == ".zip" and find_spec("roifile") is None:
        raise FileError(
            "ImageJ's ROIs require the package roifile, which is not installed",
            hint='Install it with: pip install "napari-tally[tables]", or use .geojson',
        )


def _check_axes(labels: Volume, what: str, fitting: tuple[str, ...]) -> None:
    if labels.axes not in fitting:
        raise InputError(
            f"{labels.name} has the axes {labels.axes}, but {what} can only hold "
            f"{' or '.join(fitting)}"
        )


def _write_rois(array: NDArray[Any], path: Path) -> None:
    from roifile import roiwrite

    rois = _rois_of_plane(array) if array.ndim == 2 else _rois_of_slices(array)
    with replacing(path) as part:
        roiwrite(part, rois, mode="w")


def _rois_of_plane(plane: NDArray[Any]) -> Iterator[ImagejRoi]:
    return (_roi(outline, str(outline.label)) for outline in outlines(plane))


def _rois_of_slices(stack: NDArray[Any]) -> Iterator[ImagejRoi]:
    for z, plane in enumerate(stack):
        for outline in outlines(plane):
            yield _roi(outline, f"{outline.label}-z{z + 1}", z)  # ImageJ counts slices from 1


def _roi(outline: Outline, name: str, position: int | None = None) -> ImagejRoi:
    from roifile import ROI_TYPE, ImagejRoi

    rings = outline.rings
    roi = ImagejRoi.frompoints(np.concatenate(rings), name=name, position=position)
    if len(rings) == 1:
        roi.roitype = ROI_TYPE.TRACED  # as ImageJ's wand makes them: along the edges of pixels
        return roi
    roi.roitype, roi.n_coordinates = ROI_TYPE.RECT, 0  # of a composite it is the bounding box
    roi.integer_coordinates = roi.subpixel_coordinates = None
    roi.multi_coordinates = np.array([n for ring in rings for n in _path(ring)], np.float32)
    roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _path(ring: NDArray[np.int32]) -> Iterator[int]:
    for number, (x, y) in enumerate(ring.tolist()):
        yield from (_LINE if number else _MOVE, x, y)
    yield _CLOSE


def _write_geojson(found: list[Outline], path: Path, table: pd.DataFrame | None) -> None:
    properties = {} if table is None else _properties(table)
    features = [
        {
            "type": "Feature",
            "geometry": _geometry(outline),
            "properties": {
                "objectType": "detection",
                "name": str(outline.label),
                **properties.get(outline.label, {}),
            },
        }
        for outline in found
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    write_text(text + "\n", path)


def _geometry(outline: Outline) -> dict[str, Any]:
    closed = [[[*ring.tolist(), ring[0].tolist()] for ring in p] for p in outline.polygons]
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed[0]}
    return {"type": "MultiPolygon", "coordinates": closed}


def _properties(table: pd.DataFrame) -> dict[int, dict[str, Any]]:
    """Return the class and the measurements of each object, without missing ones."""
    numbers = table.drop(columns=["label", "class"], errors="ignore").select_dtypes("number")
    names = list(map(str, numbers.columns))
    classes = table.get("class_name", [None] * len(table))
    found: dict[int, dict[str, Any]] = {}
    rows = zip(table["label"].tolist(), classes, numbers.to_numpy(float).tolist(), strict=True)
    for label, class_name, row in rows:
        measured = {k: v for k, v in zip(names, row, strict=True) if math.isfinite(v)}
        named = {"classification": {"name": class_name}} if isinstance(class_name, str) else {}
        found[label] = {**named, "measurements": measured}
    return found
