"""A report is a self-contained page with results and methods, and without patient data."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imagecodecs import png_decode

import napari_tally
from napari_tally import Volume
from napari_tally.figures.orthogonal_planes import LONGEST, planes


class Checker(HTMLParser):
    """Notes what a page refers to, and whether its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def stack() -> Volume:
    """Return a stack in mm of which slices are four times as far apart as pixels."""
    labels = np.zeros((10, 40, 30), np.uint16)
    labels[2:6, 5:25, 4:20], labels[7:9, 30:36, 22:28] = 1, 2
    affine = np.diag([4.0, -1.0, 1.0, 1.0])  # Y goes to the front, as in most NIfTI
    return Volume(labels, "ZYX", (4.0, 1.0, 1.0), "mm", affine=affine, is_labels=True)


def pictures(text: str) -> list[np.ndarray]:
    return [png_decode(base64.b64decode(d)) for d in re.findall(r'base64,([^"]+)"', text)]


@pytest.fixture
def report(run: Any) -> str:
    """Return the report of a stack that was segmented in a patient's folder."""
    folder = Path("Jane Roe 1961")
    labels = stack()
    folder.mkdir()
    napari_tally.write(labels, folder / "a_labels.nii.gz")
    image = Volume(labels.array * 10.0, "ZYX", labels.spacing, "mm", affine=labels.affine)
    napari_tally.write(image, folder / "a.nii.gz")
    record = {
        "model": {"name": "lesions<3>", "version": "2", "sha256": "ab" * 32},
        "options": {"threshold": 0.4, "augment": False, "channel": None},
    }
    (folder / "a_run.json").write_text(json.dumps(record))
    args = ("--image", str(folder / "a.nii.gz"), "-o", "t.csv", "--report", "r.html")
    assert run("measure", str(folder / "a_labels.nii.gz"), *args)[0] == 0
    return Path("r.html").read_text("utf-8")


def test_a_report_needs_no_other_file_and_no_network(report: str) -> None:
    page = Checker()
    page.feed(report)
    assert page.open == []
    assert page.links
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert "http" not in report


def test_the_lead_is_in_clinical_units(report: str) -> None:
    assert "2 objects, median volume 2,704 mm³, 5.41 mL in total" in report
    assert "<td>5,120</td><td>5.12</td>" in report  # mm³ and mL of the largest object


def test_methods_are_listed_without_folders(report: str) -> None:
    for text in ("lesions&lt;3&gt; 2", "threshold 0.4", "a_labels.nii.gz", "napari-tally", "Z 4"):
        assert text in report
    assert "Roe" not in report
    assert "augment" not in report


def test_three_planes_of_a_stack_have_the_shape_of_the_body(report: str) -> None:
    axial, coronal, sagittal = pictures(report)
    longest = LONGEST[3]
    assert axial.shape[:2] == (longest, round(longest * 30 / 40))
    assert coronal.shape[:2] == (longest, round(longest * 30 / 40))
    assert sagittal.shape[:2] == (longest, longest)
    for words in ("Axial (Z 5)", "Coronal (Y 24)", "Sagittal (X 4)", "patient&#39;s left"):
        assert words in report


def test_the_body_is_shown_head_up_and_front_up() -> None:
    labels = stack()
    marked = np.zeros(labels.shape)
    marked[9], marked[:, 39] = 500, 1000  # the top slice, and the front
    image = Volume(marked, "ZYX", labels.spacing, "mm", affine=labels.affine)
    axial, coronal, sagittal = (p.pixels.astype(int) for p in planes(labels, [image]))
    assert axial[:5].mean() > axial[-5:].mean()
    assert coronal[:5].mean() > coronal[-5:].mean()
    assert sagittal[:, :5].mean() > sagittal[:, -5:].mean()


def test_each_number_is_inside_its_object() -> None:
    labels = np.zeros((60, 60), np.uint16)
    labels[5:55, 5:12], labels[5:12, 5:55], labels[48:55, 5:55] = 3, 3, 3  # a C
    labels[25:35, 30:40] = 7
    (plane,) = planes(Volume(labels, "YX"), [])
    scale = len(plane.pixels) / 60
    for label, (x, y) in plane.places.items():
        assert labels[int(y / scale), int(x / scale)] == label


def test_a_series_shows_its_first_frame_and_colours_are_grey() -> None:
    labels = Volume(np.zeros((2, 20, 30), np.uint8), "TYX")
    rng = np.random.default_rng(0)
    image = Volume(
        rng.integers(0, 255, (2, 20, 30, 3), np.uint8),
        "TYXC",
        channel_names=("red", "green", "blue"),
    )
    (plane,) = planes(labels, [image])
    assert plane.caption == "Colours as grey, first frame"
    assert plane.pixels.shape == (600, 900, 3)
    assert np.ptp(plane.pixels, axis=-1).max() == 0
