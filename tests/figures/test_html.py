"""Pages escape all values and format numbers for readers."""

from __future__ import annotations

import pandas as pd
import pytest

from napari_tally.figures.html import Table, cell, identity, render


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (None, "–"),
        (float("nan"), "–"),
        (12345, "12,345"),
        (12345.6, "12,346"),
        (0.123456, "0.1235"),
        (54.0, "54"),
        ("a", "a"),
    ],
)
def test_cells_are_legible(value: object, text: str) -> None:
    assert cell(value) == text


def test_ids_have_no_separator_and_may_be_missing() -> None:
    assert [identity(v) for v in (12345.0, 7, float("nan"), None)] == ["12345", "7", "–", "–"]


def test_all_text_of_a_page_is_escaped() -> None:
    evil = "<script>alert(1)</script>\"'"
    content = Table.of(pd.DataFrame({evil: [evil]}))
    page = render(
        "measurement", title=evil, lead=evil, planes=[], image=content, sizes=None,
        objects=content, shown=1, total=1, made=[(evil, evil)],
    )  # fmt: skip
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 9
