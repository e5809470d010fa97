"""Whatever a library raises at a file, also when it decodes later, is one sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest

from napari_tally.core.errors import FileError, InputError
from napari_tally.files import list_series, read, register, remove
from napari_tally.files.formats.format import Format
from napari_tally.files.formats.guarded import GuardedSource, guarded_blocks

if TYPE_CHECKING:
    from napari_tally.core.volume import Volume


class Unheard(Exception):
    """An exception that nobody thought of."""


@pytest.fixture
def raising(tmp_path: Path) -> Iterator[Any]:
    """Register a format whose reader raises what it is given."""

    def declared(error: BaseException) -> Path:
        def fail(path: Path, **_: object) -> Volume:
            raise error

        register(Format(name="toy", suffixes=(".toy",), read=fail, list_series=fail))
        (tmp_path / "a.toy").write_text("x")
        return tmp_path / "a.toy"

    yield declared
    remove("toy")


@pytest.mark.parametrize(
    "error", [Unheard("no\nline"), RecursionError("deep"), OverflowError(), StopIteration(3)]
)
def test_any_error_of_a_reader_is_one_sentence(raising: Any, error: Exception) -> None:
    path = raising(error)
    for function in (read, list_series):
        with pytest.raises(FileError, match=r"a\.toy is damaged or cannot be decoded") as found:
            function(path)
        assert found.value.__cause__ is error
        assert "\n" not in str(found.value)


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
def test_lack_of_memory_and_interrupts_pass(raising: Any, error: BaseException) -> None:
    with pytest.raises(type(error)):
        read(raising(error))


class Damaged:
    shape, dtype, ndim = (4, 6), np.dtype(np.uint8), 2

    def __getitem__(self, index: Any) -> Any:
        raise Unheard("chunk")


def test_a_part_that_cannot_be_decoded_later_is_one_sentence(tmp_path: Path) -> None:
    stored = da.from_array(GuardedSource(Damaged(), tmp_path / "a"), chunks=2)
    computed = guarded_blocks(da.from_array(Damaged(), chunks=2, name=False), tmp_path / "a")
    for array in (stored, computed):
        with pytest.raises(FileError, match="chunk") as found:
            np.asarray(array[:2])
        assert isinstance(found.value.__cause__, Unheard)


def test_blocks_under_guard_are_the_same(tmp_path: Path) -> None:
    array = da.arange(24, chunks=5).reshape(4, 6)
    found = guarded_blocks(array, tmp_path)
    assert (found.chunks, found.dtype) == (array.chunks, array.dtype)
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.dcm", "a.nii", "a.zarr", "a"])
def test_named_pipes_are_no_images(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(FileError, match="named pipe"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "word"),
    [("~nosuchuser/a.tif", "no user"), ("x" * 5000, "too long"), ("a\0.tif", "null character")],
)
def test_names_that_no_file_can_have_are_refused(name: str, word: str, run: Any) -> None:
    with pytest.raises(InputError, match=word):
        read(name)
    if "\0" in name:  # which no command line can hold
        return
    for command in (["info"], ["measure", "-o", "t.csv"], ["segment", "-o", "out"]):
        code, _, error = run(*command, name)
        assert code in (1, 2) and word in error
