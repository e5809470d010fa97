"""Measuring volumes: frames, parents, whole images, and what does not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.volume import Volume
from napari_tally.features.options import Measurements
from napari_tally.pipeline.measure import measure_parents, measure_volumes
from napari_tally.pipeline.per_image import per_image


def volume(array: np.ndarray, axes: str = "YX", spacing: float | None = 0.5) -> Volume:
    size = None if spacing is None else (spacing,) * sum(a in "ZYX" for a in axes)
    return Volume(array, axes, size, "px" if spacing is None else "um")


def nuclei_in_cells() -> tuple[Volume, Volume]:
    """Return three nuclei, two of them in the first of two cells, one in none."""
    nuclei, cells = np.zeros((2, 20, 30), int)
    cells[2:18, 2:14], cells[2:18, 16:28] = 4, 9
    nuclei[4:7, 4:7], nuclei[10:14, 4:8], nuclei[0, 20:22] = 1, 2, 3
    return volume(nuclei), volume(cells)


def test_each_object_knows_its_parent_and_each_parent_its_children() -> None:
    nuclei, cells = nuclei_in_cells()
    table = measure_volumes(nuclei, parents=cells)
    assert table["parent"].tolist() == [4, 4, 0]
    assert table["parent_share"].tolist() == [1, 1, 0]
    held = measure_parents(cells, table, Measurements(groups=("size",)))
    assert held["label"].tolist() == [4, 9]
    assert held["area_um2"].tolist() == [48, 48]
    assert held["children_count"].tolist() == [2, 0]
    assert held["children_area_um2"].tolist() == pytest.approx([(9 + 16) / 4, 0])


def test_parents_of_a_series_are_those_of_the_frame() -> None:
    nuclei, cells = nuclei_in_cells()
    series = volume(np.stack([nuclei.array, nuclei.array[::-1]]), "TYX")
    table = measure_volumes(series, parents=volume(np.stack([cells.array, cells.array * 0]), "TYX"))
    assert table["t"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table["parent"].tolist() == [4, 4, 0, 0, 0, 0]
    held = measure_parents(volume(np.stack([cells.array, cells.array]), "TYX"), table)
    assert held["children_count"].tolist() == [2, 0, 0, 0]


def test_another_spacing_is_refused_with_both() -> None:
    nuclei, cells = nuclei_in_cells()
    image = replace(cells, array=cells.array.astype(float), spacing=(0.5, 0.6), name="image")
    with pytest.raises(InputError, match=r"Y 0\.5 x X 0\.5.*Y 0\.5 x X 0\.6"):
        measure_volumes(nuclei, [image])
    near = replace(image, spacing=(0.5001, 0.4999))
    assert len(measure_volumes(nuclei, [near])) == 3


def test_an_image_without_calibration_takes_that_of_the_other() -> None:
    nuclei, cells = nuclei_in_cells()
    bare = replace(nuclei, spacing=None, unit="px")
    assert "area_um2" in measure_volumes(bare, [cells])
    assert "area_px2" in measure_volumes(bare, [replace(cells, spacing=None, unit="px")])


def test_a_whole_image_has_counts_density_totals_and_medians() -> None:
    nuclei, _ = nuclei_in_cells()
    row = per_image(measure_volumes(nuclei), nuclei).iloc[0]
    area = 20 * 30 / 4
    assert row["count"] == 3
    assert row["density_per_um2"] == pytest.approx(3 / area)
    assert row["total_area_um2"] == pytest.approx(27 / 4)
    assert row["fraction"] == pytest.approx(27 / 4 / area)
    assert row["median_area_um2"] == pytest.approx(9 / 4)
    assert not any(c.startswith(("median_label", "median_bbox")) for c in row.index)


def test_classes_and_frames_have_rows_of_their_own() -> None:
    nuclei, _ = nuclei_in_cells()
    series = volume(np.stack([nuclei.array, nuclei.array * 0]), "TYX", None)
    table = measure_volumes(series)
    table["class_name"] = ["a", "b", "b"]
    rows = per_image(table, series)
    assert rows["t"].tolist() == [0, 0, 0, 1]
    assert rows["class_name"].fillna("").tolist() == ["", "a", "b", ""]
    assert rows["count"].tolist() == [3, 1, 2, 0]
    assert rows["total_area_px2"].tolist() == [27, 9, 18, 0]


def test_only_ids_and_places_have_no_median() -> None:
    nuclei, _ = nuclei_in_cells()
    table = measure_volumes(nuclei).assign(thickness_um=2.0, track=1, parent=4, parent_share=1.0)
    row = per_image(table, nuclei).iloc[0]
    assert row["median_thickness_um"] == 2
    assert not {"median_track", "median_parent", "median_parent_share"} & set(row.index)
