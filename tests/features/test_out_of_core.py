"""Arrays larger than memory are measured slab by slab, with the same results."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import zarr
from skimage.measure import label

from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.features.declare.options import Measurements
from napari_tally.features.measure import measure
from napari_tally.features.out_of_core import measure_stored_steps

SHAPES = [(70, 90), (17, 40, 50)]
OPTIONS = Measurements(
    groups=("size", "place", "shape", "surface", "border", "intensity", "balance")
)


def blobs(shape: tuple[int, ...]) -> np.ndarray:
    random = np.random.default_rng(0)
    coarse = random.random(tuple(-(-n // 4) for n in shape)) < 0.3
    mask = np.kron(coarse, np.ones((4,) * len(shape), bool))[tuple(map(slice, shape))]
    found = label(mask ^ (random.random(shape) < 0.05), connectivity=1)
    found[found % 5 == 0] = 2  # one object scattered over all slabs
    return found * 3  # gaps in the ids


def exact(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that are sums of whole numbers."""
    return table[[c for c in table if not c.startswith("intensity")]]


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
@pytest.mark.parametrize("slab_bytes", [1, 20_000, 2**30])
def test_slabs_give_the_table_of_the_whole(shape: tuple[int, ...], slab_bytes: int) -> None:
    labels = blobs(shape)
    image = np.random.default_rng(1).normal(10, 3, (2, *shape))
    spacing = (2.0, 0.7, 0.3)[-len(shape) :]
    arguments = (spacing, "um", ("a", "b"), OPTIONS)
    whole = measure(labels, image, *arguments)
    lazy = da.from_array(image, chunks=10)
    parts = drain(
        measure_stored_steps(da.from_array(labels, chunks=7), lazy, *arguments, slab_bytes)
    )
    pd.testing.assert_frame_equal(exact(parts), exact(whole), check_exact=True)
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-12)


def test_a_zarr_array_is_read_a_slab_at_a_time(tmp_path) -> None:
    labels = blobs((17, 40, 50)).astype(np.uint16)
    stored = zarr.create_array(str(tmp_path / "a.zarr"), data=labels, chunks=(4, 20, 20))
    steps = list(measure_stored_steps(stored, slab_bytes=20_000))
    assert len(steps) > 6
    found = drain(measure_stored_steps(stored, slab_bytes=20_000))
    pd.testing.assert_frame_equal(found, measure(labels))


def test_an_array_without_objects_has_the_columns() -> None:
    empty = da.zeros((20, 30, 30), dtype=np.uint8, chunks=10)
    found = drain(measure_stored_steps(empty, slab_bytes=5_000))
    assert len(found) == 0
    assert list(found) == list(measure(np.asarray(empty)))


def test_groups_that_need_the_whole_array_are_refused_by_name() -> None:
    steps = measure_stored_steps(
        np.ones((3, 3, 3), int), options=Measurements(groups=("neighbours",))
    )
    with pytest.raises(InputError, match="neighbours"):
        drain(steps)


def test_the_largest_ids_stay_as_they_are() -> None:
    labels = np.zeros((6, 8), np.uint64)
    labels[1:3, 1:4], labels[4, 2:7] = 2**64 - 1, 7
    found = drain(measure_stored_steps(labels, slab_bytes=200))
    assert found["label"].tolist() == [7, 2**64 - 1]
    assert found["area_px2"].tolist() == [5, 6]


def test_a_mask_has_no_ids_to_measure_by_slabs() -> None:
    with pytest.raises(InputError, match="connected components"):
        drain(measure_stored_steps(da.ones((4, 5, 6), dtype=bool, chunks=2), slab_bytes=20))
