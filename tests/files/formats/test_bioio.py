"""Microscopy files are read through bioio, whose absence is reported in a sentence."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lif
import numpy as np
import pytest

from napari_tally import read
from napari_tally.core.errors import FileError, InputError
from napari_tally.files.formats import trial_process
from napari_tally.files.formats.czi_directory import check_czi
from napari_tally.files.formats.trial_process import check_decodes


def test_the_extra_is_named_if_bioio_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.czi").write_bytes(b"a")
    without = lambda name: None if name == "bioio" else find_spec(name)  # noqa: E731
    monkeypatch.setattr("napari_tally.files.formats.format.find_spec", without)
    with pytest.raises(FileError, match=r"napari-tally\[bioio\]"):
        read(tmp_path / "a.czi")


@pytest.mark.parametrize("name", ["a.czi", "a.nd2", "a.lif", "a.dv"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    pytest.importorskip("bioio")
    (tmp_path / name).write_bytes(b"no image" * 100)
    with pytest.raises(FileError, match="damaged, or no reader of bioio") as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_czi_is_read_lazily_with_its_calibration(tmp_path: Path) -> None:
    pytest.importorskip("bioio")
    czi = pytest.importorskip("pylibCZIrw.czi")
    planes = np.arange(2 * 3 * 20 * 30, dtype=np.uint16).reshape(2, 3, 20, 30)
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        for c, z in np.ndindex(2, 3):
            file.write(data=planes[c, z][..., None], plane={"C": c, "Z": z, "T": 0})
        file.write_metadata(
            "a", channel_names={0: "DNA", 1: "actin"}, scale_x=3e-7, scale_y=3e-7, scale_z=2e-6
        )
    found = read(tmp_path / "a.czi")
    assert not isinstance(found.array, np.ndarray)
    np.testing.assert_array_equal(np.asarray(found.array), planes)
    assert (found.axes, found.unit, found.channel_names) == ("CZYX", "um", ("DNA", "actin"))
    np.testing.assert_allclose(found.spacing, (2.0, 0.3, 0.3))
    with pytest.raises(InputError, match="no series '2'"):
        read(tmp_path / "a.czi", series="2")


@pytest.mark.parametrize("z_step_m", [2e-6, -2e-6])
def test_a_lif_is_read_series_by_series_with_its_calibration(
    tmp_path: Path, z_step_m: float
) -> None:
    pytest.importorskip("bioio_lif")
    stack = np.arange(2 * 3 * 20 * 30, dtype=np.uint16).reshape(2, 3, 20, 30)
    plane = stack[:1, 0] + 7
    steps_m = (z_step_m, 3e-7, 2e-7)
    lif.write(
        tmp_path / "a.lif",
        [
            lif.Image("stack", stack, steps_m, ("Green", "Red")),
            lif.Image("plane", plane, steps_m[1:]),
        ],
    )
    found = read(tmp_path / "a.lif")
    assert not isinstance(found.array, np.ndarray)
    np.testing.assert_array_equal(np.asarray(found.array), stack)
    assert (found.axes, found.unit, found.channel_names) == ("CZYX", "um", ("Green", "Red"))
    np.testing.assert_allclose(found.spacing, (2.0, 0.3, 0.2))
    found = read(tmp_path / "a.lif", series="2")
    np.testing.assert_array_equal(np.asarray(found.array), plane[0])
    np.testing.assert_allclose(found.spacing, (0.3, 0.2))
    with pytest.raises(InputError, match=r"no series '3'.*1 \(stack\), 2 \(plane\)"):
        read(tmp_path / "a.lif", series="3")


def test_a_czi_that_claims_absurd_sizes_does_not_reach_its_reader(tmp_path: Path) -> None:
    pytest.importorskip("bioio")
    czi = pytest.importorskip("pylibCZIrw.czi")
    path = tmp_path / "a.czi"
    with czi.create_czi(str(path)) as file:
        for z in range(2):
            file.write(data=np.ones((20, 30, 1), np.uint16), plane={"C": 0, "Z": z, "T": 0})
    whole = path.read_bytes()
    check_czi(path)
    directory = whole.index(b"ZISRAWDIRECTORY")
    for name in (b"Z\0\0\0", b"T\0\0\0", b"X\0\0\0"):
        at = whole.rindex(name) + 4
        for changed in (2**31 - 1, 10**6):
            path.write_bytes(whole[:at] + changed.to_bytes(4, "little") + whole[at + 4 :])
            if at > directory:
                with pytest.raises(FileError, match="damaged"):
                    read(path)
    for lost in (whole[: directory + 20], whole[:90]):
        path.write_bytes(lost)
        with pytest.raises(FileError, match="damaged"):
            read(path)


def test_a_lif_without_an_image_or_with_any_damage_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("bioio_lif")
    path = tmp_path / "a.lif"
    stack = np.arange(2 * 3 * 20 * 30, dtype=np.uint16).reshape(2, 3, 20, 30)
    lif.write(path, [lif.Image("a", stack, (2e-6, 3e-7, 3e-7), ("Red", "Green"))])
    whole = path.read_bytes()
    chance = np.random.default_rng(0)
    for number in range(25):
        at = int(chance.integers(len(whole)))
        changed = whole[:at] + (b"\xff\xff" + whole[at + 2 :] if number % 2 else b"")
        path.write_bytes(changed)
        try:
            np.asarray(read(path).array)
        except (FileError, InputError) as error:
            assert "\n" not in str(error)


def test_a_crash_of_the_native_reader_is_a_sentence(tmp_path: Path, monkeypatch: Any) -> None:
    czi = pytest.importorskip("pylibCZIrw.czi")
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        file.write(np.ones((20, 30, 1), np.uint16), plane={"C": 0, "Z": 0, "T": 0})
    check_decodes(tmp_path / "a.czi")
    monkeypatch.setattr(trial_process, "_DECODE", "import os; os.abort()")
    trial_process._crashes.cache_clear()
    with pytest.raises(FileError, match="its reader crashes"):
        read(tmp_path / "a.czi")
    trial_process._crashes.cache_clear()
