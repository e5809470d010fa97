"""The line under a table of objects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_tally.features.measure import measure
from napari_tally.objects.summary import class_summary, summary


@pytest.mark.parametrize(
    ("column", "values", "text"),
    [
        ("area_um2", [84.2, 12.0, 100.0], "3 nuclei, median area 84.2 µm²"),
        ("volume_px3", [1234.0, 1233.6], "2 nuclei, median volume 1,234 px³"),
        ("volume_mm3", [0.01234, 0.01234], "2 nuclei, median volume 0.0123 mm³"),
        ("area_um2", [99.96, 99.96], "2 nuclei, median area 100 µm²"),
        ("area_px2", [7.0], "1 nucleus, area 7 px²"),
        ("area_px2", [], "0 nuclei"),
        ("area_px2", [7.0] * 1200, "1,200 nuclei, median area 7 px²"),
        ("touches_border", [True, False], "2 nuclei"),
    ],
)
def test_count_and_median_size(column: str, values: list[float], text: str) -> None:
    table = pd.DataFrame({"label": np.arange(1, len(values) + 1), column: values})
    assert summary(table, "nucleus", "nuclei") == text


def test_a_measured_table_has_a_summary() -> None:
    labels = np.zeros((4, 6, 6), int)
    assert summary(measure(labels)) == "0 objects"
    labels[1:3, 1:3, 1:3] = 5
    assert summary(measure(labels)) == "1 object, volume 8 px³"
    assert summary(measure(labels[1], spacing=(2, 2), unit="um")) == "1 object, area 16 µm²"


def _classes(*sizes: float, **columns) -> pd.DataFrame:
    names = [f"c{i}" for i in range(len(sizes))]
    ids = range(1, len(sizes) + 1)
    return pd.DataFrame({"class": ids, "class_name": names, "volume_mm3": sizes} | columns)


def test_classes_are_named_with_their_volumes() -> None:
    assert class_summary(_classes(1512.2, 0)) == "c0 1,512 mm³, c1 0 mm³"


def test_the_largest_of_many_classes_are_named() -> None:
    text = class_summary(_classes(*range(10)))
    assert text.startswith("c4 4 mm³, c5 5 mm³")
    assert text.endswith("c9 9 mm³ and 4 smaller classes")


def test_the_summary_of_a_series_is_the_mean() -> None:
    series = pd.concat([_classes(2.0, t=0), _classes(4.0, t=1)])
    assert class_summary(series) == "mean of 2 frames: c0 3 mm³"
