"""Half precision and back, as numpy rounds."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tally.core.float16 import as_float16, as_float32, write

VALUES = np.random.default_rng(0).normal(0, 50, (3, 8, 10)).astype(np.float32)
LAYOUTS = {
    "in order": VALUES,
    "channels last": np.ascontiguousarray(VALUES.transpose(1, 2, 0)).transpose(2, 0, 1),
    "every second": np.repeat(VALUES, 2, axis=2)[..., ::2],
    "backwards": np.ascontiguousarray(VALUES[:, ::-1])[:, ::-1],
}


def _frozen(array: np.ndarray) -> np.ndarray:
    frozen = array.copy()
    frozen.flags.writeable = False
    return frozen


@pytest.mark.parametrize("values", [*LAYOUTS.values(), _frozen(VALUES)], ids=[*LAYOUTS, "frozen"])
def test_values_are_those_of_numpy(values: np.ndarray) -> None:
    halved = as_float16(values)
    assert halved.dtype == np.float16
    assert np.array_equal(halved, VALUES.astype(np.float16))
    back = as_float32(halved)
    assert back.dtype == np.float32 and back.flags.c_contiguous
    assert np.array_equal(back, VALUES.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("values", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("into", LAYOUTS)
def test_values_are_written_into_a_part(values: np.ndarray, into: str) -> None:
    room = np.zeros_like(LAYOUTS[into], np.float16)
    whole = np.zeros((3, 10, 12), np.float16)
    for target in (room, whole[:, 1:-1, 1:-1], whole[:, 9:1:-1, 1:-1]):
        write(values, target)
        assert np.array_equal(target, VALUES.astype(np.float16))


def test_values_beyond_half_precision_are_infinite() -> None:
    with np.errstate(over="ignore"):
        assert np.isinf(as_float16(np.array([1e6, -1e6], np.float32))).all()


def test_maps_in_a_file_are_written(tmp_path) -> None:
    kept = np.memmap(tmp_path / "maps", np.float16, "w+", shape=VALUES.shape)
    write(VALUES, kept[:, :, :])
    kept.flush()
    assert np.array_equal(np.fromfile(tmp_path / "maps", np.float16), VALUES.astype("f2").ravel())
