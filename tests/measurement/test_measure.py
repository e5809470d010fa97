"""Measuring volumes: frames, parents, whole images, and mismatched grids."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pandas as pd
import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.volume import Volume
from napari_tally.features.declare.options import Measurements
from napari_tally.measurement import measure as room
from napari_tally.measurement.image_table import per_image
from napari_tally.measurement.measure import measure_edited, measure_parents, measure_volumes


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
    with pytest.raises(InputError, match=r"Y 0\.5 x X 0\.6.*Y 0\.5 x X 0\.5"):
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


@pytest.mark.parametrize("groups", [("size", "place", "border", "intensity"), ("background",)])
def test_after_edits_the_table_is_as_if_measured_anew(groups: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    before = np.kron(rng.permutation(80).reshape(8, 10), np.ones((6, 6), int))
    image = volume(rng.normal(10, 3, before.shape))
    options = Measurements(groups=groups)
    table = measure_volumes(volume(before), [image], options)
    after = before.copy()
    after[3:20, 5:9] = 0  # cut
    after[after == 30] = 90  # another id
    after[after == 31] = 32  # merged
    found = measure_edited(table, before, volume(after), [image], options)
    pd.testing.assert_frame_equal(found, measure_volumes(volume(after), [image], options))


def test_only_what_was_edited_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = np.kron(np.arange(80).reshape(8, 10), np.ones((6, 6), int))
    table, after = measure_volumes(volume(before)), before.copy()
    after[0, 10] = 0
    seen = []

    def watched(labels: Volume, *rest: object) -> pd.DataFrame:
        seen.append(np.unique(labels.array).tolist())
        return measure_volumes(labels)

    monkeypatch.setattr(room, "measure_volumes", watched)
    found = measure_edited(table, before, volume(after))
    assert seen == [[0, 1]]
    assert found["area_um2"][:2].tolist() == [35 / 4, 9]
    assert measure_edited(found, after, volume(after)) is found


def test_only_ids_and_places_have_no_median() -> None:
    nuclei, _ = nuclei_in_cells()
    table = measure_volumes(nuclei).assign(thickness_um=2.0, track=1, parent=4, parent_share=1.0)
    row = per_image(table, nuclei).iloc[0]
    assert row["median_thickness_um"] == 2
    assert not {"median_track", "median_parent", "median_parent_share"} & set(row.index)


def test_stored_arrays_are_measured_slab_by_slab(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    array = np.kron(rng.permutation(80).reshape(8, 10), np.ones((6, 6), int))
    images = [
        volume(rng.normal(10, 3, array.shape)),
        volume(rng.normal(10, 3, (*array.shape, 2)), "YXC"),
    ]
    whole = measure_volumes(volume(array), images)
    monkeypatch.setattr(room, "LARGE_BYTES", 0)
    lazy = [replace(i, array=da.from_array(i.array, chunks=2**4)) for i in images]
    stored = measure_volumes(volume(da.from_array(array, chunks=20)), lazy)
    pd.testing.assert_frame_equal(stored, whole, rtol=1e-12)
    with pytest.raises(InputError, match="need the whole array in memory: hull"):
        options = Measurements(groups=("hull",))
        measure_volumes(volume(da.from_array(array, chunks=20)), [], options)
