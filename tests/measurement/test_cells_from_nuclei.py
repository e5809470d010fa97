"""Cells from nuclei."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.quantity import parse_quantity
from napari_tally.core.volume import Volume
from napari_tally.features.declare.options import Measurements
from napari_tally.measurement.cells_from_nuclei import cells_of, measure_cells


def nuclei() -> Volume:
    array = np.zeros((40, 60), np.uint16)
    array[18:22, 10:14], array[18:22, 20:24], array[30:34, 44:48] = 3, 8, 700
    return Volume(array, "YX", (0.5, 0.5), "um", name="nuclei")


def test_a_cell_has_the_id_of_its_nucleus_and_does_not_enter_another() -> None:
    cells = cells_of(nuclei(), parse_quantity("4um"))
    assert set(np.unique(cells.array)) == {0, 3, 8, 700}
    inside = nuclei().array > 0
    assert (cells.array[inside] == nuclei().array[inside]).all()
    assert cells.array[20, 16] == 3
    assert cells.array[20, 17] == 8
    assert cells.array[20, 2] == 3
    assert cells.array[20, 1] == 0  # 4.5 µm away


def test_nucleus_cell_and_ring_are_in_one_row() -> None:
    image = replace(nuclei(), array=np.where(nuclei().array > 0, 50.0, 10.0), name="image")
    cells = cells_of(nuclei(), parse_quantity("2um"))
    table = measure_cells(nuclei(), cells, [image], Measurements(groups=("size", "intensity")))
    assert table["label"].tolist() == [3, 8, 700]
    assert table["area_um2"].tolist() == [4, 4, 4]
    np.testing.assert_allclose(table["cell_area_um2"], table["area_um2"] + table["ring_area_um2"])
    assert table["intensity_mean"].tolist() == [50, 50, 50]
    assert table["ring_intensity_mean"].tolist() == [10, 10, 10]
    assert table["cell_intensity_max"].tolist() == [50, 50, 50]


def test_frames_are_grown_one_by_one() -> None:
    array = np.stack([nuclei().array, nuclei().array * 0])
    series = Volume(array, "TYX", (0.5, 0.5), "um")
    cells = cells_of(series, parse_quantity("2um"))
    assert not cells.array[1].any()
    assert measure_cells(series, cells)["t"].tolist() == [0, 0, 0]


def test_invalid_distances_and_cells_are_refused() -> None:
    with pytest.raises(InputError, match="A length in px cannot be converted to um"):
        cells_of(nuclei(), parse_quantity("3px"))
    lost = replace(nuclei(), array=np.where(nuclei().array == 8, 0, nuclei().array))
    with pytest.raises(InputError, match="3 nuclei but 2 cells"):
        measure_cells(nuclei(), lost)
