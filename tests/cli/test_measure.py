"""`tally measure`: files and folders, outputs beside the table, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile

import napari_tally
from napari_tally import Volume
from napari_tally.files.tables.tables import read_table


def objects() -> np.ndarray:
    """Return three objects."""
    labels = np.zeros((30, 40), np.uint16)
    labels[3:9, 4:12], labels[14:20, 6:10], labels[15:28, 20:36] = 1, 2, 5
    return labels


def put(path: str, array: np.ndarray, axes: str = "YX", spacing: float | None = 0.5) -> None:
    """Write a calibrated image."""
    size = None if spacing is None else (spacing,) * sum(a in "ZYX" for a in axes)
    unit = "px" if spacing is None else "um"
    Path(path).parent.mkdir(exist_ok=True)
    napari_tally.write(Volume(array, axes, size, unit), path)


@pytest.fixture
def here(run: Any) -> Any:
    """Return `run` in a folder with labels, an image and parents."""
    put("a_labels.tif", objects())
    put("a.tif", np.arange(1200, dtype=np.float32).reshape(30, 40))
    put("cells.tif", np.where(np.indices((30, 40))[1] < 16, 1, 2).astype(np.uint8))
    return run


def test_tables_of_the_image_and_of_parents_are_written_with_a_data_dictionary(here: Any) -> None:
    args = ("--images", "a.tif", "--parents", "cells.tif", "--groups", "shape,intensity")
    code, out, _ = here("measure", "a_labels.tif", *args, "-o", "out/t.parquet")
    assert (code, out) == (0, "3 objects, median area 12 µm² -> out/t.parquet\n")
    table = read_table(Path("out/t.parquet"))
    assert table["parent"].tolist() == [1, 1, 2]
    assert {"eccentricity", "intensity_mean"} <= set(table)
    assert "touches_border" not in table
    assert read_table(Path("out/t_image.parquet"))["count"].tolist() == [3]
    assert read_table(Path("out/t_parents.parquet"))["children_count"].tolist() == [2, 1]
    about = json.loads(Path("out/t.json").read_text())
    assert about["tables"]["objects"]["columns"]["area_um2"]["unit"] == "um2"
    assert about["options"]["groups"] == ["size", "place", "shape", "intensity"]
    assert about["sources"]["parents"]["name"] == "cells.tif"
    assert len(about["sources"]["labels"]["sha256"]) == 64


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "h5ad"])
def test_every_format_holds_the_same_objects(here: Any, suffix: str) -> None:
    assert here("measure", "a_labels.tif", "--images", "a.tif", "-o", f"t.{suffix}")[0] == 0
    found = read_table(Path(f"t.{suffix}"))
    told = napari_tally.measure("a_labels.tif", "a.tif")
    pd.testing.assert_frame_equal(found, told, check_dtype=False, rtol=1e-8)


def test_outputs_are_replaced_only_with_overwrite(here: Any) -> None:
    Path("t_image.csv").write_text("my notes")
    code, _, err = here("measure", "a_labels.tif", "-o", "t.csv")
    assert (code, "t_image.csv" in err, "--overwrite" in err) == (1, True, True)
    assert not Path("t.csv").exists()
    assert here("measure", "a_labels.tif", "-o", "t.csv", "--overwrite")[0] == 0


def test_a_folder_is_measured_with_its_matches_and_the_rest_is_reported(here: Any) -> None:
    for name in ("x", "y", "lonely"):
        put(f"labels/{name}.tif", objects())
    for name in ("x", "y", "unused"):
        put(f"images/{name}.tif", objects().astype(np.float32))
    Path("labels/bad.tif").write_text("no image")
    Path("images/bad.tif").write_text("no image")
    args = ("--images", "images", "-o", "out", "--report", "out", "--outlines", "geojson")
    code, out, err = here("measure", "labels", *args)
    assert code == 1
    assert [line.split(" -> ")[1] for line in out.splitlines()] == ["out/x.csv", "out/y.csv"]
    for name in ("labels/lonely.tif", "images/unused.tif", "labels/bad.tif"):
        assert sum(line.startswith(name) for line in err.splitlines()) == 1
    names = {path.name for path in Path("out").iterdir()}
    beside = ("x.csv", "x_image.csv", "x.json", "x_report.html", "x_outlines.geojson")
    assert names == {*beside, *(n.replace("x", "y", 1) for n in beside)}


def test_files_and_patterns_are_measured_as_their_folder_is(here: Any) -> None:
    for name in ("x", "y"):
        put(f"labels/{name}_labels.tif", objects())
        put(f"images/{name}.tif", objects().astype(np.float32))
    here("measure", "labels", "--images", "images", "-o", "whole")
    files = ("labels/x_labels.tif", "labels/y_labels.tif")
    for given in (files, ("labels/*.tif",)):
        images = ("--images", "images/x.tif", "--images", "images/y.tif")
        args = (*given, *(images if given == files else ("--images", "images/*")), "-o", "out")
        code, _, err = here("measure", *args, "--overwrite")
        assert (code, err.strip()) == (0, "")
        assert Path("out/y.csv").read_text() == Path("whole/y.csv").read_text()
    assert here("measure", files[0], "--images", "images", "-o", "x.csv")[0] == 0
    assert Path("x.csv").read_text() == Path("whole/x.csv").read_text()


def test_a_folder_without_unmatched_labels_succeeds(here: Any) -> None:
    put("labels/x_labels.tif", objects())
    put("labels/x.tif", objects().astype(np.float32))
    code, _, _ = here("measure", "labels", "--images", "labels", "-o", "out", "--table", "parquet")
    assert code == 0
    assert "intensity_mean" in read_table(Path("out/x.parquet"))
    assert here("measure", "labels", "-o", "t.csv")[0] == 1


def test_objects_of_a_series_get_the_number_of_their_track(here: Any) -> None:
    pytest.importorskip("laptrack")
    swapped = np.array([0, 2, 1, 0, 0, 5], np.uint16)[objects()]
    put("s.tif", np.stack([objects(), swapped]), "TYX")
    code, _, _ = here("measure", "s.tif", "--track", "-o", "t.csv")
    assert code == 0
    table = pd.read_csv("t.csv")
    assert table["track"].tolist() == [1, 2, 3, 2, 1, 3]
    assert len(pd.read_csv("t_tracks.csv")) == 6
    linked = np.asarray(napari_tally.read("t_linked.tif").array)
    np.testing.assert_array_equal(linked[0], linked[1])
    code, _, err = here("measure", "a_labels.tif", "--track", "-o", "u.csv")
    assert (code, "time axis (T)" in err) == (1, True)


def test_groups_are_listed_with_their_cost(run: Any) -> None:
    code, out, _ = run("measure", "--list")
    assert code == 0
    assert any(line.startswith("shape ") and "(at once)" in line for line in out.splitlines())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--groups", "beauty"), "size, place"),
        (("--ring", "wide"), "is not a number with a unit"),
        (("--spacing", "banana"), "is not a number with a unit"),
        (("--outlines", "svg"), "geojson"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_sentence(here: Any, args: Any, message: str) -> None:
    code, _, err = here("measure", "a_labels.tif", "-o", "t.csv", *args)
    assert (code, message in err, Path("t.csv").exists()) == (2, True, False)


def test_a_report_is_a_page(here: Any) -> None:
    code, _, err = here("measure", "a_labels.tif", "-o", "t.csv", "--report", "t.csv")
    assert (code, ".html" in err, Path("t.csv").exists()) == (1, True, False)


def test_a_ring_that_does_not_fit_the_calibration_is_refused(here: Any) -> None:
    code, _, err = here("measure", "a_labels.tif", "-o", "t.csv", "--ring", "5px")
    assert (code, "A length in px cannot be converted to um" in err) == (1, True)


def bad_labels() -> dict[str, tuple[np.ndarray, str]]:
    """Return labels that cannot be, and what is said of each."""
    half, nan = objects() / 2, objects().astype(np.float32)
    nan[0, 0] = np.nan
    return {
        "fractions": (half, "fractions or NaN"),
        "negative": (objects().astype(np.int16) - 1, "the id -1"),
        "nan": (nan, "fractions or NaN"),
        "colours": (np.dstack([objects().astype(np.uint8) * i for i in (1, 2, 3)]), "colours"),
    }


@pytest.mark.parametrize("kind", list(bad_labels()))
def test_invalid_labels_are_refused_in_a_sentence(run: Any, kind: str) -> None:
    array, message = bad_labels()[kind]
    tifffile.imwrite("a.tif", array, **({"photometric": "rgb"} if array.ndim == 3 else {}))
    code, _, err = run("measure", "a.tif", "-o", "t.csv")
    assert code == 1
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("t.csv").exists()


def test_images_on_another_grid_are_refused_in_a_sentence(here: Any) -> None:
    put("small.tif", np.ones((5, 6), np.float32))
    put("coarse.tif", np.ones((30, 40), np.float32), spacing=0.7)
    Path("cut.tif").write_bytes(Path("a.tif").read_bytes()[:700])
    for name, message in (("small", "has shape (5, 6)"), ("coarse", "0.7"), ("cut", "truncated")):
        code, _, err = here("measure", "a_labels.tif", "--images", f"{name}.tif", "-o", "t.csv")
        assert (code, message in err, len(err.strip().splitlines())) == (1, True, 1)
    fits = ("--images", "coarse.tif", "--spacing", "0.5um")
    assert here("measure", "a_labels.tif", *fits, "-o", "t.csv")[0] == 0


def test_large_ids_no_objects_and_missing_intensities_are_measured(here: Any) -> None:
    put("large.tif", np.where(objects() > 0, 2**31 + objects().astype(np.uint32), 0))
    put("none.tif", objects() * 0)
    hole = np.ones((30, 40), np.float32)
    hole[3:9, 4:12] = np.nan
    put("hole.tif", hole)
    assert here("measure", "large.tif", "--images", "hole.tif", "-o", "t.csv")[0] == 0
    table = pd.read_csv("t.csv")
    assert table["label"].tolist() == [2**31 + 1, 2**31 + 2, 2**31 + 5]
    assert table["intensity_mean"].isna().tolist() == [True, False, False]
    args = ("--images", "hole.tif", "--parents", "cells.tif", "--report", "n.html")
    code, out, _ = here("measure", "none.tif", *args, "-o", "n.csv")
    assert (code, out) == (0, "0 objects -> n.csv\n")
    assert list(pd.read_csv("n.csv"))[: len(table.columns)] == list(table.columns)
    assert pd.read_csv("n_parents.csv")["children_count"].tolist() == [0, 0]
