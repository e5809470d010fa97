"""Measurements of a viewer are exported to files of all kinds."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from napari_tally.core.errors import FileError, InputError
from napari_tally.core.volume import Volume
from napari_tally.measurement.export import Export
from napari_tally.measurement.measure import measure_volumes


@pytest.fixture
def export() -> Export:
    array = np.zeros((40, 50), np.uint16)
    array[4:12, 4:12], array[20:30, 20:40] = 1, 2
    labels = Volume(array, "YX", (0.5, 0.5), "um", name="labels", is_labels=True)
    image = Volume(np.where(array > 0, 90.0, 7.0), "YX", (0.5, 0.5), "um", name="image")
    model = {"name": "nuclei-2d", "version": "1.0.0", "sha256": "0" * 64}
    return Export(measure_volumes(labels, [image]), labels, [image], segmented={"model": model})


def test_a_table_comes_with_an_image_table_and_a_data_dictionary(export: Export, tmp_path) -> None:
    files = export.write(tmp_path / "objects.csv")
    assert {p.name for p in files} == {p.name for p in tmp_path.iterdir()}
    assert pd.read_csv(tmp_path / "objects.csv")["area_um2"].tolist() == [16, 50]
    about = json.loads((tmp_path / "objects.json").read_text())
    assert about["sources"] == {"labels": {"name": "labels"}, "images": [{"name": "image"}]}
    assert about["tables"]["objects"]["columns"]["area_um2"]["unit"]
    with pytest.raises(InputError, match="exists"):
        export.write(tmp_path / "objects.csv")


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet", "a.h5ad", "a.zip", "a.geojson"])
def test_other_programs_get_their_files(export: Export, tmp_path, name: str) -> None:
    assert export.write(tmp_path / name)[0].stat().st_size > 200


def test_the_report_names_the_layers_and_the_model(export: Export, tmp_path) -> None:
    export.write(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "<title>labels" in text
    assert "nuclei-2d 1.0.0" in text
    assert "labels, image" in text


def test_an_unknown_suffix_lists_the_known_ones(export: Export, tmp_path) -> None:
    with pytest.raises(FileError, match=r"\.xlsx.*\.geojson"):
        export.write(tmp_path / "a.txt")
