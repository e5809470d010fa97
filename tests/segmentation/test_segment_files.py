"""Files are segmented side by side, with the results of one after the other."""

import json
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from napari_tally import Volume, write
from napari_tally.core.errors import InputError
from napari_tally.core.progress import Step, drain
from napari_tally.files.claim import is_claimed
from napari_tally.files.expand_inputs import InputFile, expand
from napari_tally.segmentation import segment_files, shared_machine
from napari_tally.segmentation.segment_files import Outcome, Outputs, segment_files_steps
from napari_tally.segmentation.setup.file_options import SegmentFilesOptions
from napari_tally.segmentation.setup.options import SegmentOptions
from napari_tally.simulate.nuclei import NucleiField

COUNT = 6


@pytest.fixture(autouse=True)
def two_cores(monkeypatch) -> None:
    """Segment side by side wherever the tests run."""
    import torch

    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)


@pytest.fixture
def sources(tmp_path) -> list[InputFile]:
    for number in range(COUNT):
        side = 96 + 32 * (number % 3)
        image, _ = NucleiField(shape=(side, side), count=6, seed=number).draw()
        write(Volume(image, "YX", (0.5, 0.5), "um"), tmp_path / "in" / f"{number}.tif")
    return expand([tmp_path / "in"])


def segmented(sources: list[InputFile], folder: Path, **files: object) -> list[Outcome]:
    given = SegmentFilesOptions(**files)
    return drain(segment_files_steps(sources, None, SegmentOptions(), folder, given))


def left_running() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("side-by-side")]


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def record(path: Path) -> dict[str, object]:
    found = json.loads(path.read_text())
    return {k: v for k, v in found.items() if k != "seconds"}


def test_a_batch_gives_what_single_runs_give(sources, tmp_path) -> None:
    outcomes = segmented(sources, tmp_path / "batch")
    single = [segmented([source], tmp_path / "single")[0] for source in sources]
    assert [o.source for o in outcomes] == [s.path for s in sources]
    for one, other in zip(outcomes, single, strict=True):
        assert (one.status, one.count, one.message) == ("done", other.count, other.message)
        assert one.outputs.labels.read_bytes() == other.outputs.labels.read_bytes()
        assert one.outputs.table.read_bytes() == other.outputs.table.read_bytes()
        assert record(one.outputs.record) == record(other.outputs.record)
    assert not left_running()
    assert not hidden(tmp_path / "batch")


def test_a_batch_that_is_done_is_skipped(sources, tmp_path) -> None:
    segmented(sources, tmp_path / "out")
    outcomes = segmented(sources, tmp_path / "out")
    assert [o.status for o in outcomes] == ["skipped"] * COUNT
    assert [o.source for o in outcomes] == [s.path for s in sources]


STAGES = {
    "read": (SegmentFilesOptions, "read"),
    "segment": (segment_files, "segment_steps"),
    "write": (segment_files, "write"),
    "table": (segment_files, "write_table"),
    "record": (segment_files, "write_record"),
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("error", [InputError("It is broken"), MemoryError("full")])
def test_a_failure_in_any_stage_of_one_image_leaves_the_others(
    sources, tmp_path, monkeypatch, stage, error
) -> None:
    place, name = STAGES[stage]
    true, calls = getattr(place, name), []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) == 3:
            raise error
        return true(*args, **kwargs)

    monkeypatch.setattr(place, name, failing)
    outcomes = segmented(sources, tmp_path / "out")
    failed = [o for o in outcomes if o.status == "failed"]
    assert len(failed) == 1
    assert failed[0].message
    assert [o.source for o in outcomes] == [s.path for s in sources]
    assert len(list((tmp_path / "out").glob("*"))) == 3 * (COUNT - 1)
    assert not left_running()
    assert not any(path.exists() for path in failed[0].outputs.all())
    monkeypatch.undo()
    again = segmented(sources, tmp_path / "out")
    assert sorted(o.status for o in again) == ["done"] + ["skipped"] * (COUNT - 1)


@pytest.mark.parametrize("stop_after", [1, 4, 9])
def test_a_closed_batch_leaves_no_thread_no_claim_and_nothing_half(
    sources, tmp_path, stop_after
) -> None:
    out = tmp_path / "out"
    steps = segment_files_steps(sources, None, SegmentOptions(), out)
    for _ in range(stop_after):
        next(steps)
    steps.close()
    assert not left_running()
    assert not hidden(out)
    outputs = [Outputs.of(source, out, "csv") for source in sources]
    assert not any(is_claimed(o.all()) for o in outputs)
    assert all({p.exists() for p in o.all()} in ({True}, {False}) for o in outputs)
    again = segmented(sources, out)
    assert [o.message for o in again if o.status == "failed"] == []


def test_two_images_are_in_memory_at_most(sources, tmp_path, monkeypatch) -> None:
    volumes: weakref.WeakSet[Volume] = weakref.WeakSet()
    most, true = [0], SegmentFilesOptions.read

    def read(self, path):
        volume = true(self, path)
        volumes.add(volume)
        most[0] = max(most[0], len(volumes))
        return volume

    monkeypatch.setattr(SegmentFilesOptions, "read", read)
    segmented(sources, tmp_path / "out")
    assert most == [2]


def test_large_images_take_turns(sources, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(shared_machine, "_LARGE", 100)
    running, most, true = [0], [0], segment_files.segment_steps

    def counted(*args):
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.02)
        result = yield from true(*args)
        running[0] -= 1
        return result

    monkeypatch.setattr(segment_files, "segment_steps", counted)
    assert {o.status for o in segmented(sources, tmp_path / "out")} == {"done"}
    assert most == [1]


def test_notes_and_progress_are_those_of_one_file_after_the_other(tmp_path) -> None:
    for number in range(COUNT):
        image = np.full((64, 64), number, np.uint8)  # constant, without calibration
        write(Volume(image, "YX"), tmp_path / "in" / f"{number}.tif")
    steps: list[Step] = []
    sources = expand([tmp_path / "in"])
    given = segment_files_steps(sources, None, SegmentOptions(), tmp_path / "out")
    outcomes = drain(given, steps.append)
    assert [s.done for s in steps if s.stage == "files"] == list(range(1, COUNT + 1))
    noted = [s.note for s in steps if s.note]
    assert noted == [note for o in outcomes for note in o.notes]
    assert [f"{n}.tif has no calibration" in note for n, note in enumerate(noted)] == [True] * COUNT


def test_threads_of_the_network_are_as_before(sources, tmp_path, monkeypatch) -> None:
    import torch

    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    segmented(sources, tmp_path / "out")
    assert set(asked) == {1, 2}
    assert asked[-1] == 2
