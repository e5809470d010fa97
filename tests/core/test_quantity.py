"""Quantities with units as text."""

from __future__ import annotations

import pytest

from napari_tally.core.errors import InputError
from napari_tally.core.quantity import canonical_unit, parse_quantity


@pytest.mark.parametrize(
    ("text", "power", "values", "unit"),
    [
        ("12um", 1, (12.0,), "um"),
        ("12 µm", 1, (12.0,), "um"),
        ("0.5,0.1,0.1um", 1, (0.5, 0.1, 0.1), "um"),
        ("0.5, 0.1, 0.1 um", 1, (0.5, 0.1, 0.1), "um"),
        ("0.5x0.1x0.1um", 1, (0.5, 0.1, 0.1), "um"),
        ("1e-3mm", 1, (1e-3,), "mm"),
        ("1e+06,2e6um", 1, (1e6, 2e6), "um"),
        ("20um2", 2, (20.0,), "um"),
        ("20um²", 2, (20.0,), "um"),
        ("20um", 2, (20.0,), "um"),
        ("50px3", 3, (50.0,), "px"),
        ("30pixels", 1, (30.0,), "px"),
    ],
)
def test_text_is_read(text, power, values, unit) -> None:
    found = parse_quantity(text, power=power)
    assert (found.values, found.unit, found.power) == (values, unit, power)


@pytest.mark.parametrize(
    "text", ["", "12", "um", "12 parsec", "-1um", "0um", "nanum", "infum", "1,um", "12um2", "a,bum"]
)
def test_invalid_quantities_are_refused_with_an_example(text) -> None:
    with pytest.raises(InputError, match=r"(number with a unit|positive and finite)\. Write it as"):
        parse_quantity(text)


def test_areas_convert_with_the_square() -> None:
    assert parse_quantity("1mm2", power=2).to("um") == pytest.approx((1e6,))
    assert parse_quantity("1mm3", power=3).to("um") == pytest.approx((1e9,))


def test_px_do_not_become_micrometres() -> None:
    with pytest.raises(InputError, match="calibration"):
        parse_quantity("3px").to("um")


@pytest.mark.parametrize("name", ["micron", "µm", "μm", "um", "\\u00B5m", "Micrometer"])
def test_every_spelling_of_the_micrometre_is_known(name) -> None:
    assert canonical_unit(name) == "um"


@pytest.mark.parametrize("name", [None, "", "pixel", "apples"])
def test_other_words_are_not_units_of_length(name) -> None:
    assert canonical_unit(name) is None
