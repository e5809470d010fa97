"""`tally info` describes a file, `tally convert` writes it in another format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from volumes import assert_same, numbered, oblique

from napari_tally import read, write
from napari_tally.core.volume import Volume


def test_info_shows_axes_shape_spacing_orientation_and_channels(run) -> None:
    affine = np.diag([2.0, -0.5, -0.5, 1.0])
    brain = numbered("CZYX", spacing=(2.0, 0.5, 0.5), unit="mm", affine=affine,
                     channel_names=("T1", "T2"))  # fmt: skip
    write(brain, "brain.nii.gz")
    code, out, _ = run("info", "brain.nii.gz")
    assert code == 0
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "brain.nii.gz",
        "format NIfTI",
        "image C 2 x Z 4 x Y 5 x X 6, int16",
        "spacing Z 2 x Y 0.5 x X 0.5 mm",
        "orientation RAS (X, Y, Z of the voxels)",
        "channels T1, T2",
    ]


def test_info_continues_after_an_unreadable_file(run, tmp_path: Path) -> None:
    (tmp_path / "bad.nii.gz").write_bytes(b"\x1f\x8b no gzip")
    write(numbered("YX"), "good.tif")
    code, out, err = run("info", "bad.nii.gz", "good.tif", "none.nrrd", ".")
    assert code == 1
    assert "no calibration" in out
    assert [line.split()[0].rstrip(":") for line in err.splitlines()] == [
        "bad.nii.gz",
        "none.nrrd",
        ".",
    ]


def test_info_lists_the_series_of_a_folder(run, tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    from dicoms import along, save_series

    stack = np.zeros((3, 5, 4), np.int16)
    save_series(tmp_path / "ct", stack, along(3), SeriesNumber=3)
    save_series(tmp_path / "ct", stack, along(3), prefix="b", SeriesNumber=4)
    code, out, _ = run("info", "ct")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines() if "series" in line] == ["3", "4"]
    code, out, _ = run("info", "ct", "--series", "4")
    assert "Z 2.5 x Y 0.8 x X 0.7 mm" in out
    assert "LPS" in out
    code, _, err = run("convert", "ct", "ct.nii.gz")
    assert (code, "--series 3" in err) == (1, True)
    assert run("convert", "ct", "ct.nii.gz", "--series", "3")[0] == 0


def test_convert_keeps_what_the_format_can_hold(run) -> None:
    write(oblique(), "brain.nii.gz")
    code, out, _ = run("convert", "brain.nii.gz", "brain.nrrd")
    assert (code, "Z 2.5 x Y 0.8 x X 0.7 mm" in out) == (0, True)
    assert_same(read("brain.nrrd"), oblique())
    assert run("convert", "brain.nii.gz", "brain.ome.zarr")[0] == 0
    assert_same(read("brain.ome.zarr"), replace(oblique(), affine=None))


def test_convert_overwrites_only_if_asked(run) -> None:
    write(numbered("YX"), "a.tif")
    write(numbered("ZYX"), "b.nii.gz")
    code, _, err = run("convert", "a.tif", "b.nii.gz")
    assert (code, "--overwrite" in err) == (1, True)
    assert (
        run("convert", "a.tif", "b.nii.gz", "--overwrite", "--labels", "--spacing", "2um")[0] == 0
    )
    found = read("b.nii.gz")
    assert (found.is_labels, found.axes, found.unit) == (True, "YX", "um")


def test_convert_stacks_files_with_the_option(run, tmp_path: Path) -> None:
    for z in range(11):
        write(Volume(np.full((4, 5), z, np.uint8), "YX"), tmp_path / "s" / f"s{z}.png")
    code, _, err = run("convert", "s", "s.tif")
    assert (code, "--stack Z" in err) == (1, True)
    assert run("convert", "s", "s.tif", "--stack", "Z", "--spacing", "2,1,1um")[0] == 0
    found = read("s.tif")
    assert (found.axes, found.spacing) == ("ZYX", (2.0, 1.0, 1.0))
    assert list(found.array[:, 0, 0]) == list(range(11))


def test_a_series_of_a_folder_is_segmented_by_its_number(run, tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    from dicoms import along, save_series
    from fields import nuclei

    stack = np.stack([nuclei((80, 90))[0].astype(np.int16)] * 3)
    save_series(tmp_path / "scan", stack, along(3), SeriesNumber=3)
    save_series(tmp_path / "scan", np.zeros_like(stack), along(3), prefix="b", SeriesNumber=4)
    code, _, err = run("segment", "scan", "--output", "out")
    assert (code, "--series 3" in err) == (1, True)
    chosen = ("segment", "scan", "--output", "out", "--stack", "slices", "--object-size", "24px")
    assert run(*chosen, "--series", "3")[0] == 0
    labels = read("out/scan_labels.nii.gz")
    assert labels.array.max() > 5
    assert np.allclose(labels.affine, read(tmp_path / "scan", series="3").affine)
    assert "already done" in run(*chosen, "--series", "3")[1]
    code, _, err = run(*chosen, "--series", "4")
    assert (code, "--overwrite" in err) == (1, True)


def test_files_become_the_channels_of_one_image(run) -> None:
    affine = np.diag([1.0, 0.5, 0.5, 1.0])
    for number, name in enumerate(("p1_flair", "p1_t1", "p1_t1_post")):
        array = np.full((3, 4, 5), number, np.float32)
        write(Volume(array, "ZYX", (1, 0.5, 0.5), "mm", affine=affine), f"{name}.nii.gz")
    names = [f"p1_{n}.nii.gz" for n in ("t1_post", "flair", "t1")]
    code, _, err = run("convert", *names, "p1.ome.zarr")
    assert (code, "--stack C" in err) == (1, True)
    assert run("convert", *names, "p1.ome.zarr", "--stack", "C")[0] == 0
    found = read("p1.ome.zarr")
    assert (found.axes, found.channel_names) == ("CZYX", ("t1_post", "flair", "t1"))
    assert (found.spacing, found.unit) == ((1.0, 0.5, 0.5), "mm")
    assert np.asarray(found.array)[:, 0, 0, 0].tolist() == [2, 0, 1]
    moved = affine.copy()
    moved[0, 3] = 7
    write(Volume(array, "ZYX", (1, 0.5, 0.5), "mm", affine=moved), "p1_t2.nii.gz")
    code, _, err = run("convert", *names, "p1_t2.nii.gz", "b.ome.zarr", "--stack", "C")
    assert (code, "differ in position by up to 7 mm" in err) == (1, True)
    assert not Path("b.ome.zarr").exists()
