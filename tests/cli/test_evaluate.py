"""`tally evaluate`: its files, its exit codes, and the page with its pictures."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import tifffile
from fields import nuclei
from imageio.v3 import imread

from napari_tally import Volume, write
from napari_tally.evaluation.error_pictures import COLOURS
from napari_tally.files.tables.tables import read_table
from napari_tally.objects.relabel import relabel

IMAGE, GROUND_TRUTH = nuclei()
LABELS = relabel(GROUND_TRUTH)
ARGS = ("evaluate", "pred", "--ground-truth", "ground_truth", "-o", "out")
PICTURE = r'src="data:image/png;base64,([^"]+)"'


@pytest.fixture
def folders(tmp_path):
    """Make pred/ and ground_truth/ with the images a and b; in b of pred an object is missed."""
    for folder in ("pred", "ground_truth"):
        (tmp_path / folder).mkdir()
        for name in "ab":
            write(Volume(LABELS, "YX", (0.5, 0.5), "um"), tmp_path / folder / f"{name}.tif")
    largest = np.bincount(LABELS.ravel())[1:].argmax() + 1
    less = np.where(largest == LABELS, 0, LABELS)
    write(Volume(less, "YX", (0.5, 0.5), "um"), tmp_path / "pred" / "b_labels.tif")
    (tmp_path / "pred" / "b.tif").unlink()
    return tmp_path


def stderr_lines(err: str) -> list[str]:
    """Return the lines beside the progress bar."""
    return [line for line in err.splitlines() if line.strip()]


def colours_in(encoded: str) -> set[str]:
    pixels = imread(BytesIO(base64.b64decode(encoded)), extension=".png")
    return {"#{:02X}{:02X}{:02X}".format(*c) for c in np.unique(pixels.reshape(-1, 3), axis=0)}


def test_tables_numbers_and_a_page_are_written(run, folders) -> None:
    code, out, err = run(*ARGS)
    assert (code, stderr_lines(err)) == (0, [])
    assert "2 images" in out and "out/report.html" in out.replace("\\", "/")
    images, objects = (pd.read_csv(f"out/{n}.csv") for n in ("images", "objects"))
    assert images["image"].tolist() == ["a", "b"] and images["count_error"].tolist() == [0, -1]
    assert len(objects) == 4 * LABELS.max() - 1
    assert (objects["fate"] == "missed").sum() == 1
    numbers = json.loads((folders / "out" / "evaluation.json").read_text())
    assert numbers["predictions"][0]["summary"]["fn"] == 1
    assert len(pd.read_csv("out/thresholds.csv")) == 10


def test_the_page_needs_no_other_file_and_shows_what_was_missed(run, folders) -> None:
    run(*ARGS)
    page = (folders / "out" / "report.html").read_text("utf-8")
    HTMLParser().feed(page)
    assert not re.search(r'(src|href)="(?!data:|#)', page) and "<svg" in page
    ground_truth, prediction, *rest = re.findall(PICTURE, page)  # b, the worse one, is first
    assert page.index("<h3>b</h3>") < page.index("<h3>a</h3>") and len(rest) == 2
    assert COLOURS["missed"] in colours_in(ground_truth)
    assert COLOURS["missed"] not in colours_in(prediction)
    assert all(COLOURS["found"] in colours_in(p) for p in (ground_truth, prediction, *rest))
    assert not {COLOURS["missed"], COLOURS["false"]} & set.union(*map(colours_in, rest))


def test_outlines_are_drawn_on_the_images(run, folders) -> None:
    (folders / "images").mkdir()
    tifffile.imwrite(folders / "images" / "a.tif", IMAGE)
    tifffile.imwrite(folders / "images" / "b.tif", IMAGE[:9])
    code, _, _ = run(*ARGS, "--images", "images")
    page = (folders / "out" / "report.html").read_text("utf-8")
    assert code == 0 and "but the labels have" in page
    assert len(colours_in(re.findall(PICTURE, page)[0])) > 50  # greys


def test_unmatched_and_damaged_files_are_named_and_the_others_compared(run, folders) -> None:
    data = (folders / "pred" / "a.tif").read_bytes()
    (folders / "pred" / "c.tif").write_bytes(data)
    (folders / "pred" / "a.tif").write_bytes(data[: len(data) // 2])
    code, out, err = run(*ARGS)
    assert code == 1 and "1 image (2 left out)" in out
    lines = stderr_lines(err)
    assert len(lines) == 2 and any("c.tif: No file of the same name" in line for line in lines)
    assert any(line.startswith("a: ") and "is truncated at" in line for line in lines)
    assert "No file of the same name" in (folders / "out" / "report.html").read_text("utf-8")


def test_nothing_to_compare_is_a_sentence_and_no_report(run, folders) -> None:
    (folders / "empty").mkdir()
    for prediction, ground_truth in (("empty", "ground_truth"), ("pred", "gone")):
        code, _, err = run("evaluate", prediction, "--ground-truth", ground_truth, "-o", "out")
        assert code == 1 and len(stderr_lines(err)) == 1 and err.startswith("tally: ")
    for path in (folders / "pred").iterdir():
        path.write_bytes(b"II*\0")
    code, out, err = run(*ARGS)
    assert code == 1 and len(stderr_lines(err)) == 2 and "0 images" in out
    assert not (folders / "out").exists()


def test_two_predictions_are_compared_in_one_report(run, folders) -> None:
    code, out, _ = run(*ARGS, "ground_truth")
    assert code == 0 and "pred: 2 images" in out and "ground_truth: 2 images" in out
    images = pd.read_csv("out/images.csv")
    assert images["prediction"].tolist() == ["pred", "pred", "ground_truth", "ground_truth"]
    numbers = json.loads((folders / "out" / "evaluation.json").read_text())
    gains = {row["image"]: row["difference"] for row in numbers["differences"][0]}
    assert gains["a"] == 0 and gains["b"] == pytest.approx(1 / LABELS.max())
    page = (folders / "out" / "report.html").read_text("utf-8")
    assert "better in 1, worse in 0, equal in 1 of 2" in page
    assert page.count('id="curve-') == 2


def test_an_unreadable_prediction_does_not_stop_the_other(run, folders) -> None:
    (folders / "bad").mkdir()
    (folders / "bad" / "a.tif").write_bytes(b"II*\0")
    code, out, _ = run(*ARGS, "bad")
    assert code == 1 and "pred: 2 images;" in out and "bad: 0 images (2 left out)" in out
    assert "differences" not in json.loads((folders / "out" / "evaluation.json").read_text())


def test_a_report_is_replaced_only_with_overwrite(run, folders) -> None:
    run(*ARGS)
    code, _, err = run(*ARGS)
    assert code == 1 and "--overwrite" in err
    assert run(*ARGS, "--overwrite")[0] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        ("--iou", "half"),
        ("--iou", "1.5"),
        ("--tolerance", "2"),
        ("--spacing", "a"),
        ("--kind", "instance"),
    ],
)
def test_invalid_options_are_refused_in_one_sentence(run, folders, wrong) -> None:
    code, _, err = run(*ARGS, *wrong)
    assert code == 2 and len(stderr_lines(err)) == 1 and err.startswith("tally: ")
    assert wrong[0] in err


def test_the_same_predictions_twice_are_refused_in_one_sentence(run, folders) -> None:
    code, _, err = run(*ARGS, "pred")
    assert code == 1 and len(stderr_lines(err)) == 1 and err.startswith("tally: ")


def test_files_and_patterns_are_scored_as_their_folder_is(run, folders) -> None:
    run(*ARGS)
    whole = json.loads((folders / "out" / "evaluation.json").read_text())["predictions"][0]
    for number, given in enumerate((("pred/*.tif",), ("pred/a.tif", "pred/b_labels.tif"))):
        code, _, err = run(
            "evaluate", *given, "--ground-truth", "ground_truth/*", "-o", f"out{number}"
        )
        assert (code, stderr_lines(err)) == (0, [])
        numbers = json.loads((folders / f"out{number}" / "evaluation.json").read_text())
        assert numbers["predictions"] == [whole]


def test_several_files_are_compared_with_one_ground_truth(run, folders) -> None:
    files = ("pred/b_labels.tif", "pred/a.tif")
    code, out, _ = run("evaluate", *files, "--ground-truth", "ground_truth/b.tif", "-o", "out")
    assert code == 0 and "b_labels.tif: 1 image" in out and "a.tif: 1 image" in out


@pytest.mark.parametrize("suffix", ["parquet", "xlsx", "h5ad"])
def test_tables_have_the_chosen_format(run, folders, suffix) -> None:
    assert run(*ARGS, "--table", suffix)[0] == 0
    assert len(read_table(folders / "out" / f"objects.{suffix}")) == 4 * LABELS.max() - 1
    beside = "csv" if suffix == "h5ad" else suffix
    assert read_table(folders / "out" / f"images.{beside}")["image"].tolist() == ["a", "b"]


def test_classes_of_stacks_are_shown_in_the_plane_where_they_differ(run, tmp_path) -> None:
    ground_truth = np.zeros((6, 10, 10), np.uint8)
    ground_truth[1:5, 2:8, 2:8] = 2
    pred = ground_truth.copy()
    pred[3, 2:5, 2:8] = 0
    for folder, array in (("pred", pred), ("ground_truth", ground_truth)):
        write(Volume(array, "ZYX", (2.0, 1.0, 1.0), "mm"), tmp_path / folder / "x_classes.nii.gz")
    code, out, _ = run(*ARGS, "--kind", "classes")
    table = pd.read_csv("out/classes.csv")
    assert code == 0 and "class 2: Dice" in out
    assert table["volume_difference_mm3"].tolist() == [-36]
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Z 3" in page and "<svg" not in page
    ground_truth_picture, other = re.findall(PICTURE, page)
    assert COLOURS["missed"] in colours_in(ground_truth_picture) and COLOURS[
        "missed"
    ] not in colours_in(other)


def test_objects_with_classes_come_from_both_files(run, tmp_path) -> None:
    for folder in ("pred", "ground_truth"):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "a_labels.tif", LABELS)
        tifffile.imwrite(tmp_path / folder / "a_classes.tif", (LABELS % 2 + 1).astype(np.uint8))
    code, _, _ = run(*ARGS, "--kind", "panoptic")
    table = pd.read_csv("out/classes.csv")
    assert code == 0 and table["pq"].tolist() == [1, 1]
    assert set(pd.read_csv("out/objects.csv")["class"]) == {1, 2}
