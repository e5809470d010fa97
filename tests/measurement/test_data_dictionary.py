"""Every column of every table has a title, a definition and a unit."""

from __future__ import annotations

import json

import numpy as np
import pytest

import napari_tally
from napari_tally.core.errors import InputError
from napari_tally.core.quantity import table_unit
from napari_tally.core.volume import Volume
from napari_tally.features.registry import GROUPS
from napari_tally.measurement.data_dictionary import data_dictionary, formatted_unit, meanings
from napari_tally.measurement.image_table import per_image
from napari_tally.measurement.measure import measure_parents, measure_volumes
from napari_tally.measurement.options import group_names, measurements


def two_objects(ndim: int, unit: str = "um") -> tuple[Volume, Volume]:
    """Return labels, and an image of two channels."""
    shape = (6, 12, 14)[-ndim:]
    labels = np.zeros(shape, np.uint16)
    labels[..., 2:6, 2:7], labels[..., 7:11, 8:13] = 1, 2
    image = np.random.default_rng(0).uniform(1, 9, (2, *shape))
    size = None if unit == "px" else (0.5,) * ndim
    axes = "ZYX"[-ndim:]
    channels = Volume(image, "C" + axes, size, unit, channel_names=("DAPI", "p53_mean"))
    return Volume(labels, axes, size, unit), channels


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("unit", ["um", "mm", "px"])
def test_no_column_is_unknown(ndim: int, unit: str) -> None:
    labels, image = two_objects(ndim, unit)
    table = measure_volumes(labels, [image], measurements(["all"], None, labels), labels)
    tables = {"objects": table, "image": per_image(table, labels)}
    tables["parents"] = measure_parents(labels, table)
    for each in tables.values():
        for name, meaning in meanings(list(each)).items():
            assert meaning["definition"], name
            assert not meaning["unit"] or meaning["unit"] in name


def test_channels_and_units_are_parsed_from_the_column_name() -> None:
    found = meanings(
        ["area_um2", "intensity_mean_p53_mean", "intensity_p5_DAPI", "median_area_px2", "mine"]
    )
    assert found["area_um2"]["unit"] == "um2"
    assert found["area_um2"]["group"] == "size"
    assert found["intensity_mean_p53_mean"]["channel"] == "p53_mean"
    assert found["intensity_p5_DAPI"]["title"] == "Intensity percentile 5"
    assert found["median_area_px2"]["title"] == "Median: Area"
    assert found["mine"] == {"title": "mine", "definition": "", "unit": ""}


@pytest.mark.parametrize(("unit", "words"), [("um2", "µm²"), ("per_mm3", "1/mm³"), ("deg", "°")])
def test_units_are_written_as_people_do(unit: str, words: str) -> None:
    assert formatted_unit(unit) == words


def test_a_data_dictionary_is_json_with_the_provenance() -> None:
    labels, _ = two_objects(2)
    table = measure_volumes(labels)
    sources, options = {"labels": {"name": "a.tif"}}, {"groups": ["size"]}
    found = data_dictionary({"objects": ("a.csv", table)}, sources, options)
    found = json.loads(json.dumps(found))
    assert found["tables"]["objects"]["file"] == "a.csv"
    assert list(found["tables"]["objects"]["columns"]) == list(table)
    assert found["versions"]["numpy"] == np.__version__
    assert (found["sources"], found["options"]) == (sources, options)


def test_groups_are_selected_by_name_and_size_is_always_included() -> None:
    assert group_names(["intensity"]) == ("size", "place", "intensity")
    assert group_names(["all"]) == tuple(GROUPS)
    with pytest.raises(InputError, match=r"no group .* 'wrong'. Available: size, place"):
        group_names(["wrong"])


def test_python_takes_groups_as_text_too() -> None:
    labels = np.eye(4, dtype=np.uint8)
    listed = napari_tally.measure(labels, groups=["shape", "border"])
    assert list(napari_tally.measure(labels, groups="shape,border")) == list(listed)
    assert set(listed) < set(napari_tally.measure(labels, groups="all"))


def test_a_ring_is_converted_to_the_unit_of_the_table() -> None:
    labels, _ = two_objects(2, "mm")
    assert table_unit(labels.unit) == "mm"
    assert measurements([], "250um", labels).ring == 0.25
    with pytest.raises(InputError, match="cannot be converted to px without a calibration"):
        measurements([], "2um", two_objects(2, "px")[0])


def test_python_measures_parents_groups_and_rings() -> None:
    labels, image = two_objects(2)
    wide, narrow = (
        napari_tally.measure(labels, image, parents=labels, groups=["background"], ring=ring)
        for ring in ("2um", 0.5)
    )
    assert wide["parent"].tolist() == [1, 2]
    assert (wide["background_mean_DAPI"] != narrow["background_mean_DAPI"]).all()
    assert "eccentricity" not in wide


def test_a_given_spacing_applies_to_the_image_too() -> None:
    labels, image = two_objects(2)
    assert napari_tally.measure(labels, image, "2um")["area_um2"].tolist() == [80, 80]
