"""Tables are written whole, with the numbers that were measured."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import openpyxl
import pandas as pd
import pytest

from napari_tally.core.errors import FileError
from napari_tally.files.tables import tables
from napari_tally.files.tables.tables import read_table, table_paths, write_table, write_tables


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": np.array([1, 2, 70_000], np.uint32),
            "volume_um3": [0.1, 1 / 3, np.nan],
            "class": ["Zelle", "µ-Kern, groß", "a"],
            "touches_border": [True, False, True],
        }
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".CSV", ".xlsx", ".h5ad"])
def test_a_table_survives_the_round_trip(tmp_path: Path, table: pd.DataFrame, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_table(table, path)
    pd.testing.assert_frame_equal(read_table(path), table, check_dtype=False, rtol=1e-9)
    assert list(tmp_path.iterdir()) == [path]


def test_numbers_in_csv_are_short(tmp_path: Path, table: pd.DataFrame) -> None:
    write_table(table, tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text("utf-8").splitlines()
    assert lines[1:3] == ["1,0.1,Zelle,True", '2,0.3333333333,"µ-Kern, groß",False']


def test_an_empty_table_keeps_its_columns(tmp_path: Path, table: pd.DataFrame) -> None:
    for name in ("a.csv", "a.parquet", "a.xlsx", "a.h5ad"):
        write_table(table[:0], tmp_path / name)
        assert list(read_table(tmp_path / name)) == list(table)


def test_other_suffixes_are_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    with pytest.raises(FileError, match=r"\.csv, \.parquet, \.xlsx or \.h5ad"):
        write_table(table, tmp_path / "a.ods")
    with pytest.raises(FileError, match=r"\.csv, \.parquet, \.xlsx or \.h5ad"):
        read_table(tmp_path / "a.ods")


@pytest.mark.parametrize(
    ("suffix", "package"), [(".parquet", "pyarrow"), (".xlsx", "openpyxl"), (".h5ad", "anndata")]
)
def test_a_missing_package_is_named_with_its_install_command(
    tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(FileError, match=rf"{package}, .*napari-tally\[tables\]"):
        write_table(table, tmp_path / f"a{suffix}")


def test_a_workbook_has_a_sheet_for_each_table_and_keeps_its_header_in_sight(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    image = pd.DataFrame({"count": [3]})
    path = tmp_path / "a.xlsx"
    write_tables({"objects": table, "image": image}, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["objects", "image"]
    assert all(sheet.freeze_panes == "A2" for sheet in book)
    assert list(tmp_path.iterdir()) == [path]


def test_text_in_a_workbook_is_never_a_formula_and_infinity_no_number(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"class": ["=1+1"], "ratio": [np.inf]}), tmp_path / "a.xlsx")
    row = openpyxl.load_workbook(tmp_path / "a.xlsx").active[2]
    assert [(cell.value, cell.data_type) for cell in row] == [("=1+1", "s"), ("inf", "s")]


def test_other_tables_are_written_beside_the_first(tmp_path: Path, table: pd.DataFrame) -> None:
    write_tables({"objects": table, "image": table[:1]}, tmp_path / "a.csv")
    assert len(read_table(tmp_path / "a_image.csv")) == 1
    beside = table_paths(["objects", "parents"], tmp_path / "a.h5ad")
    assert [p.name for p in beside] == ["a.h5ad", "a_parents.csv"]


def test_anndata_separates_measurements_from_ids_and_positions(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "t": [0, 1],
            "label": [1, 1],
            "area_um2": [4.0, 5.0],
            "centroid_y_um": [1.0, 2.0],
            "centroid_x_um": [3.0, 4.0],
            "bbox_y_min_px": [0, 1],
            "class_name": ["a", None],
        }
    )
    about = {"area_um2": {"title": "Area", "unit": "um2", "definition": "How large."}}
    write_table(table, tmp_path / "a.h5ad", about)
    data = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert list(data.var_names) == ["area_um2"]
    assert data.var.loc["area_um2"].tolist() == ["Area", "um2", "How large."]
    assert list(data.obs) == ["t", "label", "bbox_y_min_px", "class_name"]
    assert list(data.obs_names) == ["0_1", "1_1"]
    assert data.obsm["spatial"].tolist() == [[3, 1], [4, 2]]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b""), ("a.parquet", b"nothing"), ("a.xlsx", b"nothing"), ("a.h5ad", b"nothing")],
)
def test_files_that_are_not_tables_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError):
        read_table(tmp_path / name)
    with pytest.raises(FileError, match="does not exist"):
        read_table(tmp_path / "none.csv")
