"""The size of a pixel, in every way in which programs and vendors note it in a TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_tally import measure
from napari_tally.core.quantity import canonical_unit, table_unit
from napari_tally.files import format_of, read

if TYPE_CHECKING:
    from napari_tally.core.volume import Volume

STACK = np.zeros((3, 8, 9), np.uint16)


def imagej(path: Path, unit: str) -> Volume:
    text = f"ImageJ=1.54f\nimages=3\nslices=3\nunit={unit}\nspacing=2.0\n"
    tifffile.imwrite(
        path, STACK, description=text, metadata=None, resolution=(4, 4), photometric="minisblack"
    )
    return read(path)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("\\u00B5m", "um"), ("\\u00b5m", "um"), ("um", "um"), ("micron", "um"), ("Microns", "um"),
        ("\\u00C5", "angstrom"), ("\\u00c5ngstrom", "angstrom"),
        ("micrometers", "um"), ("A", "angstrom"), ("nm", "nm"), ("cm", "cm"), ("mm", "mm"),
        ("inch", "inch"), ("inches", "inch"), ("metres", "m"),
    ],
)  # fmt: skip
def test_units_of_imagej(tmp_path: Path, unit: str, expected: str) -> None:
    found = imagej(tmp_path / "a.tif", unit)
    assert (found.spacing, found.unit) == ((2.0, 0.25, 0.25), expected)


@pytest.mark.parametrize("unit", ["pixel", "pixels", "voxel"])
def test_pixels_are_no_calibration(
    tmp_path: Path, unit: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not imagej(tmp_path / "a.tif", unit).calibrated
    assert not caplog.text


def test_a_unit_that_is_not_known_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not imagej(tmp_path / "a.tif", "furlong").calibrated
    assert "a.tif: the unit 'furlong' is not known; read as uncalibrated" in caplog.text


def test_an_ome_unit_that_is_not_known_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metadata = {"axes": "YX"} | {
        f"PhysicalSize{a}{end}": value
        for a in "XY"
        for end, value in (("", 0.5), ("Unit", "reference frame"))
    }
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK[0], metadata=metadata)
    assert not read(tmp_path / "a.ome.tif").calibrated
    assert "'reference frame' is not known" in caplog.text


@pytest.mark.parametrize(("suffix", "written"), [(".svs", "1.0210"), (".tif", "1,0210")])
def test_microns_per_pixel_of_aperio(tmp_path: Path, suffix: str, written: str) -> None:
    text = f"Aperio Image Library v12.0.15\r\n9x8 [0,0 9x8] (240x240)|MPP = {written}|Left = 1"
    image = np.zeros((8, 9, 3), np.uint8)
    tifffile.imwrite(
        tmp_path / f"a{suffix}", image, description=text, metadata=None, resolution=(72, 72),
        resolutionunit=2, photometric="rgb",
    )  # fmt: skip
    found = read(tmp_path / f"a{suffix}")
    assert (found.axes, found.spacing, found.unit) == ("YXC", (1.021, 1.021), "um")


@pytest.mark.parametrize("suffix", [".lsm", ".btf", ".ndpi", ".svs", ".companion.ome"])
def test_other_suffixes_are_tiff(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    options = {"resolutionunit": 3, "photometric": "minisblack"}
    tifffile.imwrite(path, STACK, resolution=(10_000, 20_000), **options)
    found = format_of(path)
    assert found is not None and found.name == "TIFF"
    if suffix != ".companion.ome":
        volume = read(path, axes="TYX")
        assert (volume.spacing, volume.unit) == (pytest.approx((5e-5, 1e-4)), "cm")


@pytest.mark.parametrize(
    ("unit", "spacing", "expected"),
    [
        ("cm", 5e-5, "um"), ("inch", 1e-5, "um"), ("m", 5e-7, "um"), ("cm", 0.1, "mm"),
        ("m", 1e-3, "mm"), ("inch", 1.0, "mm"), ("mm", 1e-4, "mm"), ("um", 900.0, "um"),
        ("nm", 3.0, "um"), ("px", 1.0, "px"),
    ],
)  # fmt: skip
def test_tables_have_a_unit_that_fits_the_pixels(unit: str, spacing: float, expected: str) -> None:
    assert table_unit(unit, (spacing, spacing)) == expected


def test_an_object_in_cm_is_measured_in_um(tmp_path: Path) -> None:
    labels = np.zeros((8, 9), np.uint8)
    labels[2:4, 3:6] = 1
    tifffile.imwrite(tmp_path / "a.tif", labels, resolution=(20_000, 20_000), resolutionunit=3)
    table: Any = measure(tmp_path / "a.tif")
    assert table["area_um2"].tolist() == pytest.approx([6 * 0.25])


def test_units_are_spelt_in_many_ways() -> None:
    for unit, spellings in {
        "um": "µm μm Âµm micron MICRONS micrometre Micrometers", "nm": "nanometres nm NM",
        "cm": "centimetre centimeters", "angstrom": "A Å Ångström Angstroms", "inch": "in inches",
    }.items():  # fmt: skip
        assert {canonical_unit(s) for s in spellings.split()} == {unit}
