"""Whatever happens, a command ends in a sentence and an exit code, and batches go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fields import nuclei

import napari_tally
from napari_tally.core.failures import LOG

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs signals and devices of POSIX")
TALLY = (sys.executable, "-m", "napari_tally")


def put(path: Path | str, labels: bool = False) -> None:
    """Write an image, or labels."""
    array = np.zeros((40, 40), np.uint16)
    array[5:20, 5:20] = 1
    image = array if labels else array * 900
    volume = napari_tally.Volume(image, "YX", (0.5, 0.5), "um", is_labels=labels)
    napari_tally.write(volume, path)


@pytest.fixture
def odd_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reading files named `odd` fail as no one thought of."""
    from napari_tally.evaluation import load_pair
    from napari_tally.measurement import measure_files
    from napari_tally.segmentation.setup import file_options

    def read(path: Path, **options: Any) -> Any:
        if path.name.startswith("odd"):
            raise AttributeError("'NoneType' object has no attribute 'shape'")
        return napari_tally.read(path, **options)

    for module in (load_pair, measure_files, file_options):
        monkeypatch.setattr(module, "read", read)


@pytest.mark.parametrize(
    ("args", "made"),
    [
        (("segment", "in", "-o", "out"), "out/z_run.json"),
        (("measure", "in", "-o", "out"), "out/z.csv"),
        (("evaluate", "in", "--ground-truth", "in", "-o", "out"), "out/report.html"),
    ],
)
def test_an_error_nobody_foresaw_fails_one_input(run, odd_reader, args, made) -> None:
    for name in ("a", "odd", "z"):
        put(f"in/{name}.tif", labels=args[0] != "segment")
    code, _, err = run(*args)
    lines = [line for line in err.splitlines() if "NoneType" in line]
    assert (code, len(lines), "Traceback" in err) == (1, 1, False)
    assert "odd" in lines[0] and lines[0].endswith(f"The traceback is in out/{LOG}.")
    assert "Traceback" in Path("out", LOG).read_text()
    assert Path(made).exists()


@POSIX
@pytest.mark.parametrize(
    "args",
    [
        ("segment", "in", "-o", "out"),
        ("measure", "in", "-o", "out", "--report", "out"),
        ("measure", "in", "-o", "out", "--table", "parquet"),
        ("evaluate", "in", "--ground-truth", "in", "-o", "out", "--table", "xlsx"),
    ],
)
def test_a_name_that_is_not_utf8_is_done_like_others(run, args) -> None:
    put("in/a.tif", labels=True)
    os.link(b"in/a.tif", b"in/caf\xe9.tif")
    code, out, err = run(*args)
    assert code == 0, err
    assert len(out.splitlines()) == 2
    for path in Path("out").glob("*.json"):
        json.loads(path.read_text("utf-8"))
    texts = [p.read_text("utf-8") for p in Path("out").glob("*") if p.suffix in (".csv", ".json")]
    assert any(r"caf\xe9" in text.replace("\\\\", "\\") for text in texts)


def test_escapes_in_names_and_messages_are_shown_as_text(run) -> None:
    put("a\x1b[31m.tif")
    _, out, _ = run("info", "a\x1b[31m.tif")
    _, _, err = run("info", "gone\x1b]0;x\x07.tif")
    assert "\x1b" not in out + err
    assert r"a\x1b[31m.tif" in out


def test_debug_shows_the_traceback_wherever_it_stands(run) -> None:
    for args in (("--debug", "info", "gone.tif"), ("info", "gone.tif", "--debug")):
        code, _, err = run(*args)
        assert (code, "Traceback" in err) == (1, True)
    assert "Traceback" not in run("info", "gone.tif")[2]
    assert "--debug" in run("--help")[1]


def test_a_folder_that_was_measured_is_not_measured_again(run) -> None:
    for name in ("a", "b"):
        put(f"in/{name}.tif", labels=True)
    assert run("measure", "in", "-o", "out")[0] == 0
    Path("out/b_image.csv").unlink()
    before = Path("out/a.csv").stat().st_mtime_ns
    code, out, _ = run("measure", "in", "-o", "out")
    assert (code, out.count("already done"), Path("out/b_image.csv").exists()) == (0, 1, True)
    assert Path("out/a.csv").stat().st_mtime_ns == before
    code, _, err = run("measure", "in", "-o", "out", "--groups", "shape")
    assert (code, err.count("--overwrite")) == (1, 2)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx", "h5ad"])
def test_half_a_measurement_is_completed_in_every_format(run, suffix) -> None:
    put("a.tif", labels=True)
    args = ("measure", "a.tif", "-o", f"out/t.{suffix}", "--report", "out/r.html")
    code, _, err = run(*args)
    assert code == 0, err
    Path("out/t.json").unlink()
    code, _, err = run(*args)
    assert code == 0, err
    assert Path("out/t.json").exists()


def test_half_a_segmentation_is_completed_and_what_a_user_changed_is_kept(run) -> None:
    napari_tally.write(napari_tally.Volume(nuclei()[0], "YX", (0.5, 0.5), "um"), "a.tif")
    assert run("segment", "a.tif", "-o", "out")[0] == 0
    Path("out/a_run.json").unlink()
    assert run("segment", "a.tif", "-o", "out")[0] == 0
    table = pd.read_csv("out/a_objects.csv")
    table.iloc[1:].to_csv("out/a_objects.csv", index=False)
    Path("out/a_run.json").unlink()
    code, _, err = run("segment", "a.tif", "-o", "out")
    assert (code, "a_objects.csv exists already, with other content" in err) == (1, True)
    assert len(pd.read_csv("out/a_objects.csv")) == len(table) - 1


@pytest.mark.parametrize("objects", ["many", [3], None])
def test_a_record_that_was_changed_by_hand_is_another_run(run, objects) -> None:
    put("a.tif")
    run("segment", "a.tif", "-o", "out")
    record = json.loads(Path("out/a_run.json").read_text())
    Path("out/a_run.json").write_text(json.dumps(record | {"objects": objects}))
    code, _, err = run("segment", "a.tif", "-o", "out")
    assert (code, "--overwrite" in err, "Traceback" in err) == (1, True, False)


def test_an_evaluation_without_its_report_is_completed(run) -> None:
    put("in/a.tif", labels=True)
    args = ("evaluate", "in", "--ground-truth", "in", "-o", "out")
    run(*args)
    Path("out/report.html").unlink()
    assert run(*args)[0] == 0
    assert Path("out/report.html").exists()


def test_the_same_conversion_again_succeeds_and_another_is_refused(run) -> None:
    put("a.tif")
    put("b.tif", labels=True)
    for target in ("c.nii.gz", "c.ome.zarr", "c.mhd", "c.ome.tif"):
        for _ in range(2):
            assert run("convert", "a.tif", target)[0] == 0
        code, _, err = run("convert", "b.tif", target)
        assert (code, "--overwrite" in err) == (1, True)
        assert run("convert", "b.tif", target, "--overwrite")[0] == 0


def test_pixels_of_others_beside_a_metaimage_are_kept(run) -> None:
    put("a.tif")
    Path("b.zraw").write_text("mine")
    code, _, err = run("convert", "a.tif", "b.mhd")
    assert (code, "b.zraw exists already" in err) == (1, True)
    assert (Path("b.zraw").read_text(), Path("b.mhd").exists()) == ("mine", False)


@pytest.mark.parametrize("other", ["notes.txt", "sub/notes.txt"])
def test_a_folder_that_is_more_than_an_image_is_not_overwritten(run, other) -> None:
    put("a.tif")
    run("convert", "a.tif", "b.ome.zarr")
    for target in ("b.ome.zarr", "new.ome.zarr"):
        Path(target, other).parent.mkdir(parents=True, exist_ok=True)
        Path(target, other).write_text("mine")
        code, _, err = run("convert", "a.tif", target, "--overwrite", "--spacing", "2um")
        assert (code, "holds something else" in err) == (1, True)
        assert Path(target, other).read_text() == "mine"


def test_a_file_that_changes_while_it_is_read_is_reported(run, monkeypatch) -> None:
    from napari_tally.segmentation import segment_files

    put("a.tif")
    true_steps = segment_files.segment_steps

    def steps(*args: Any) -> Any:
        os.utime("a.tif", (0, 0))
        return true_steps(*args)

    monkeypatch.setattr(segment_files, "segment_steps", steps)
    code, _, err = run("segment", "a.tif", "-o", "out")
    assert (code, "a.tif changed while it was read" in err) == (1, True)


def tally(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run `tally` as a process."""
    return subprocess.run([*TALLY, *args], stderr=subprocess.PIPE, text=True, **options)


@POSIX
def test_an_output_that_cannot_be_written_to_is_a_sentence(run) -> None:
    put("a.tif")
    with Path("/dev/full").open("w") as full:
        found = tally("info", "a.tif", stdout=full)
    assert (found.returncode, found.stderr.count("\n")) == (1, 1)
    assert "No space left on device" in found.stderr


@POSIX
def test_a_reader_that_has_enough_ends_it_quietly(run) -> None:
    put("a.tif")
    reading, writing = os.pipe()
    os.close(reading)
    found = tally("info", "a.tif", stdout=writing)
    os.close(writing)
    assert (found.returncode, found.stderr) == (1, "")


@POSIX
def test_a_working_folder_that_is_gone_is_a_sentence(run, tmp_path) -> None:
    (tmp_path / "gone").mkdir()
    code = "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])"  # noqa: E501
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "gone"), *TALLY, "segment", "a.tif", "-o", "o"],
        capture_output=True,
        text=True,
    )
    assert (found.returncode, "Traceback" in found.stderr) == (1, False)
    assert "working folder does not exist" in found.stderr


@POSIX
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_stopped_batch_says_so_and_leaves_nothing_half(run, tmp_path, name, code) -> None:
    count = 60
    for number in range(count):
        put(f"in/{number}.tif")
    process = subprocess.Popen(
        [*TALLY, "segment", "in", "-o", "out"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # nohup ignores it
    )  # fmt: skip
    while process.poll() is None and not list(tmp_path.glob("out/*_run.json")):
        time.sleep(0.02)
    process.send_signal(getattr(signal, name))
    _, err = process.communicate()
    assert (process.returncode, "Stopped. Finished results are kept." in err) == (code, True)
    assert "Traceback" not in err
    done = list(tmp_path.glob("out/*_run.json"))
    assert 0 < len(done) < count
    seen = [path for path in tmp_path.glob("out/*") if not path.name.startswith(".")]
    assert len(seen) == 3 * len(done)
    assert run("segment", "in", "-o", "out")[0] == 0
    assert len(list(tmp_path.glob("out/*"))) == 3 * count  # and no hidden file
