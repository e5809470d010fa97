"""No spreadsheet runs text of a CSV, and our own reader gives it back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from napari_tally.files.tables.tables import read_table, write_table

FORMULAS = ["=1+1", "+A1", "-A1", "@SUM(A1)", "\tx", "'=1+1", "plain", "a=b", "'quoted'"]


def test_text_that_looks_like_a_formula_has_a_quote_in_front(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"image": FORMULAS}), tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[1:] == [
        "'=1+1", "'+A1", "'-A1", "'@SUM(A1)", "'\tx", "''=1+1", "plain", "a=b", "'quoted'",
    ]  # fmt: skip


def test_it_is_read_as_it_was(tmp_path: Path) -> None:
    table = pd.DataFrame({"image": FORMULAS, "=n": range(len(FORMULAS))})
    write_table(table, tmp_path / "a.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.csv"), table)


def test_numbers_below_zero_stay_numbers(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"x": [-1.5, 2.0], "n": [-3, 4]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "x,n\n-1.5,-3\n2,4\n"


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "parquet", "h5ad"])
def test_names_that_are_not_utf8_are_written_as_escapes(tmp_path: Path, suffix: str) -> None:
    image = pd.Series(["caf\udce9", "b\x1b"], dtype=object)
    write_table(pd.DataFrame({"image": image, "n": [1, 2]}), tmp_path / f"a.{suffix}")
    found = read_table(tmp_path / f"a.{suffix}")
    assert list(found["image"]) == [r"caf\xe9", r"b\x1b"]
