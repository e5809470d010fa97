"""Charts are reproducible, labelled and self-contained."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from napari_tally.figures.charts import ap_curve, histogram

CURVE = pd.DataFrame({"iou": [0.5, 0.6, 0.7], "ap_mean": [0.9, 0.8, 0.1]})


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_the_same_numbers_give_the_same_chart() -> None:
    assert ap_curve([("a", CURVE)]) == ap_curve([("a", CURVE)])


def test_each_prediction_has_a_curve_and_its_name_as_it_is() -> None:
    names = ["_net $a$ <b>", "100 %$", "c"]
    svg = ap_curve([(name, CURVE) for name in names])
    assert [svg.count(f'id="curve-{i}"') for i in range(4)] == [1, 1, 1, 0]
    assert {"_net $a$ &lt;b&gt;", "100 %$", "c", "IoU threshold"} <= set(texts(svg))
    assert "<b>" not in svg


def test_a_chart_refers_to_nothing_elsewhere() -> None:
    svg = histogram(np.arange(20.0), 'Area (µm²) "<i>"')
    assert svg is not None and svg.startswith("<svg")
    assert "http" not in svg and "<i>" not in svg and "<?xml" not in svg
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', svg))


def test_the_axis_is_logarithmic_where_few_values_are_much_larger() -> None:
    values = np.random.default_rng(0).lognormal(3, 2, 300)
    steep, even = histogram(values, "Area"), histogram(np.arange(1.0, 100), "Area")
    assert steep is not None and {"1", "10", "100", "1,000"} <= set(texts(steep))
    assert even is not None and {"0", "20", "40"} <= set(texts(even))


def test_values_that_are_no_numbers_have_no_histogram() -> None:
    assert histogram(np.array([np.nan, np.inf]), "Area") is None
    assert histogram(np.array([]), "Area") is None


def test_equal_values_are_one_bar() -> None:
    assert histogram(np.full(9, 3.0), "Area") is not None
