"""Tables are written whole, with the numbers that were measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_tally.core.errors import FileError
from napari_tally.files import tables
from napari_tally.files.tables import read_table, write_table


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


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".CSV"])
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
    write_table(table[:0], tmp_path / "a.csv")
    assert list(read_table(tmp_path / "a.csv")) == list(table)


def test_other_suffixes_are_refused(tmp_path: Path, table: pd.DataFrame) -> None:
    with pytest.raises(FileError, match=r"\.csv or \.parquet"):
        write_table(table, tmp_path / "a.xlsx")
    with pytest.raises(FileError, match=r"\.csv or \.parquet"):
        read_table(tmp_path / "a.xlsx")


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(FileError, match=r"napari-tally\[parquet\]"):
        write_table(table, tmp_path / "a.parquet")


@pytest.mark.parametrize(("name", "content"), [("a.csv", b""), ("a.parquet", b"nothing")])
def test_what_is_no_table_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError):
        read_table(tmp_path / name)
    with pytest.raises(FileError, match="does not exist"):
        read_table(tmp_path / "none.csv")
