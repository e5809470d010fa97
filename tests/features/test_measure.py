"""Each column against scikit-image, and against shapes whose measures are known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from skimage.measure import label, regionprops_table

from napari_tally.core.errors import InputError
from napari_tally.features.kernels import moments
from napari_tally.features.kernels.voxel_cubes import slab_count
from napari_tally.features.measure import measure

SPACINGS = {2: (0.7, 0.3), 3: (2.0, 0.7, 0.3)}
SHAPES = [(70, 90), (17, 40, 50)]
PROPERTIES = (
    "label", "area", "equivalent_diameter_area", "centroid", "bbox", "axis_major_length",
    "axis_minor_length", "extent", "intensity_mean", "intensity_min", "intensity_max",
    "intensity_std",
)  # fmt: skip


def blobs(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return irregular labels of all sizes from one voxel up."""
    random = np.random.default_rng(seed)
    coarse = random.random(tuple(-(-n // 4) for n in shape)) < 0.3
    mask = np.kron(coarse, np.ones((4,) * len(shape), bool))[tuple(map(slice, shape))]
    return label(mask ^ (random.random(shape) < 0.05), connectivity=1)


def values(shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(10, 3, shape)


def reference(labels: np.ndarray, image: np.ndarray, spacing: tuple[float, ...]) -> pd.DataFrame:
    """Return scikit-image's table under our names."""
    ndim = labels.ndim
    axes = "zyx"[-ndim:]
    names = {
        "area": "area_um2" if ndim == 2 else "volume_um3",
        "equivalent_diameter_area": "equivalent_diameter_um",
        "axis_major_length": "axis_major_length_um",
        "axis_minor_length": "axis_minor_length_um",
        **{f"centroid-{i}": f"centroid_{a}_um" for i, a in enumerate(axes)},
        **{f"bbox-{i}": f"bbox_{a}_min_px" for i, a in enumerate(axes)},
        **{f"bbox-{i + ndim}": f"bbox_{a}_max_px" for i, a in enumerate(axes)},
    }
    image = image.astype(np.float64)
    table = regionprops_table(labels, image, properties=PROPERTIES, spacing=spacing)
    return pd.DataFrame(table).rename(columns=names)


def assert_equal_columns(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    for column in theirs.columns:
        # Where an object is flat scikit-image finds the root of a rounding error for 0.
        np.testing.assert_allclose(
            ours[column], theirs[column], rtol=1e-8, atol=2e-7 if "axis" in column else 1e-10,
            err_msg=column,
        )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f2", "f4", "f8", ">f4"])
def test_columns_equal_those_of_scikit_image(shape: tuple[int, ...], dtype: str) -> None:
    labels, image = blobs(shape), values(shape).astype(dtype)
    spacing = SPACINGS[len(shape)]
    ours = measure(labels, image, spacing, "um")
    assert len(ours) > 50
    assert_equal_columns(ours, reference(labels, image, spacing))


@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
@pytest.mark.parametrize("slabs", [1, 2, 7, 64])
def test_columns_do_not_depend_on_the_number_of_slabs(
    shape: tuple[int, ...], slabs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, image = blobs(shape), values(shape)
    labels[labels % 5 == 0] = 2  # one object scattered over all slabs
    spacing = SPACINGS[len(shape)]
    monkeypatch.setattr(moments, "slab_count", lambda *_: slabs)
    assert_equal_columns(measure(labels, image, spacing, "um"), reference(labels, image, spacing))


def test_tables_of_slabs_are_bounded() -> None:
    assert slab_count(10_000, 50_000 * 200, threads=64) == 64
    assert slab_count(10_000, 2_000_000 * 350, threads=64) == 1
    assert slab_count(3, 1000, threads=64) == 3
    assert slab_count(0, 0, threads=64) == 1


def test_a_box_has_its_known_measurements() -> None:
    labels = np.zeros((10, 20, 30), np.uint8)
    labels[2:5, 4:9, 6:13] = 1
    row = measure(labels, spacing=(2, 1, 0.5), unit="um").iloc[0]
    assert row["volume_um3"] == 3 * 5 * 7
    assert row["equivalent_diameter_um"] == pytest.approx((6 * 105 / np.pi) ** (1 / 3))
    assert [row[f"centroid_{a}_um"] for a in "zyx"] == [6, 6, 4.5]
    assert [row[f"bbox_{a}_{e}_px"] for e in ("min", "max") for a in "zyx"] == [2, 4, 6, 5, 9, 13]
    # n points at a distance of s have the variance s² (n² - 1) / 12.
    expected = sorted((20 * s**2 * (n**2 - 1) / 12) ** 0.5 for s, n in [(2, 3), (1, 5), (0.5, 7)])
    lengths = [row[f"axis_{name}_length_um"] for name in ("minor", "middle", "major")]
    assert lengths == pytest.approx(expected, rel=1e-12)
    assert not row["touches_border"]


@pytest.mark.parametrize("radius", [20, 25])
def test_a_ball_and_a_disc_are_as_long_as_their_diameter(radius: int) -> None:
    for ndim in (2, 3):
        places = np.indices((2 * radius + 3,) * ndim) - radius - 1
        table = measure((places**2).sum(axis=0) <= radius**2)
        for column in table.filter(regex="_length|diameter").columns:
            assert table[column].item() == pytest.approx(2 * radius, rel=0.02)


def test_columns_have_their_order_and_dtype_even_without_objects() -> None:
    flat = [
        "label", "area_um2", "equivalent_diameter_um", "centroid_y_um", "centroid_x_um",
        "centroid_index_y_px", "centroid_index_x_px", "width_y_um", "width_x_um",
        "bbox_y_min_px", "bbox_x_min_px", "bbox_y_max_px", "bbox_x_max_px",
        "axis_major_length_um", "axis_minor_length_um", "orientation_deg",
        "elongation", "eccentricity", "extent",
        "perimeter_um", "circularity", "euler_number", "touches_border",
        "intensity_mean", "intensity_min", "intensity_max", "intensity_std", "intensity_sum",
    ]  # fmt: skip
    labels = np.eye(4, dtype=np.uint16)
    full = measure(labels, values((4, 4)), (1, 1), "um")
    for shape in [(4, 4), (0, 4), (4, 0)]:
        empty = measure(np.zeros(shape, np.uint16), np.zeros(shape), (1, 1), "um")
        assert len(empty) == 0
        assert list(empty.columns) == list(full.columns) == flat
        assert (empty.dtypes == full.dtypes).all()
    assert full["label"].dtype == full["bbox_y_min_px"].dtype == np.int64
    assert full["touches_border"].dtype == bool


def test_a_stack_adds_z_and_the_middle_axis() -> None:
    columns = list(measure(np.ones((2, 2, 2), int)).columns)
    assert columns[:6] == [
        "label", "volume_px3", "equivalent_diameter_px",
        "centroid_z_px", "centroid_y_px", "centroid_x_px",
    ]  # fmt: skip
    assert columns[6:] == [
        *(f"{name}_{a}_px" for name in ("centroid_index", "width") for a in "zyx"),
        *(f"bbox_{a}_{end}_px" for end in ("min", "max") for a in "zyx"),
        *(f"axis_{name}_length_px" for name in ("major", "middle", "minor")),
        *(f"axis_major_direction_{a}" for a in "zyx"),
        "elongation", "flatness", "extent",
        "surface_area_px2", "sphericity", "euler_number", "touches_border",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "spacing", "column", "value"),
    [
        ("um", 0.5, "area_um2", 0.25),
        ("micron", 0.5, "area_um2", 0.25),
        ("nm", 500, "area_um2", 0.25),
        ("m", 1e-6, "area_um2", 1),
        ("mm", 0.5, "area_mm2", 0.25),
        ("cm", 0.5, "area_mm2", 25),
        (None, None, "area_px2", 1),
    ],
)
def test_lengths_have_one_unit(
    unit: str | None, spacing: float | None, column: str, value: float
) -> None:
    size = None if spacing is None else (spacing, spacing)
    table = measure(np.pad([[1]], 1), spacing=size, unit=unit)
    assert table[column].item() == pytest.approx(value, rel=1e-12)


def test_rows_carry_the_ids_of_the_file() -> None:
    labels = np.zeros((5, 5), np.int64)
    labels[0, 0], labels[2, 2], labels[4, 1:3] = 2**40, 17, 3
    table = measure(labels)
    assert table["label"].tolist() == [3, 17, 2**40]
    assert table["area_px2"].tolist() == [2, 1, 1]
    assert table["touches_border"].tolist() == [True, False, True]


def test_a_single_voxel_has_no_length_and_no_deviation() -> None:
    labels = np.zeros((3, 3, 3), int)
    labels[1, 1, 1] = 1
    row = measure(labels, np.full((3, 3, 3), 7.5)).iloc[0]
    assert row[[f"axis_{n}_length_px" for n in ("major", "middle", "minor")]].tolist() == [0, 0, 0]
    assert row[["intensity_mean", "intensity_min", "intensity_max"]].tolist() == [7.5] * 3
    assert row["intensity_std"] == 0


@pytest.mark.parametrize("side", range(6))
def test_an_object_at_any_side_touches_the_border(side: int) -> None:
    labels = np.zeros((5, 5, 5), int)
    labels[2, 2, 2] = 1
    place = [2, 2, 2]
    place[side // 2] = 0 if side % 2 else 4
    labels[tuple(place)] = 2
    assert measure(labels)["touches_border"].tolist() == [False, True]


def test_flat_labels_touch_no_border_in_depth() -> None:
    assert not measure(np.pad([[1]], 1))["touches_border"].item()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_voxels_are_ignored(dtype: type, bad: float) -> None:
    labels = np.array([[1, 1, 1, 2, 2, 3, 3]])
    image = np.array([[bad, 4, 6, bad, bad, 5, bad]], dtype)
    table = measure(labels, image)
    assert table["area_px2"].tolist() == [3, 2, 2]
    for name, expected in [
        ("mean", [5, np.nan, 5]), ("std", [1, np.nan, 0]),
        ("min", [4, np.nan, 5]), ("max", [6, np.nan, 5]),
    ]:  # fmt: skip
        np.testing.assert_array_equal(table[f"intensity_{name}"], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("outlier", [0, 1e6])
def test_a_large_offset_does_not_reduce_precision(dtype: type, outlier: float) -> None:
    labels = blobs((100, 120))
    image = (1e6 + np.random.default_rng(3).normal(0, 0.5, labels.shape)).astype(dtype)
    image[labels == 7] += np.arange((labels == 7).sum()) == 0
    if outlier == 0:
        image[0, :] = 0
    table = measure(labels, image)
    for number, mean, std in zip(
        table["label"], table["intensity_mean"], table["intensity_std"], strict=True
    ):
        inside = image[labels == number].astype(np.longdouble)
        assert mean == pytest.approx(float(inside.mean()), rel=1e-12)
        assert std == pytest.approx(float(inside.std()), rel=1e-8, abs=1e-9)


def test_a_constant_image_has_no_deviation() -> None:
    labels = blobs((60, 60))
    table = measure(labels, np.full((60, 60), 0.1))
    assert (table["intensity_std"] == 0).all()
    assert (table["intensity_mean"] == 0.1).all()


def test_a_mask_as_image_is_measured_as_0_and_1() -> None:
    table = measure(np.array([[1, 1, 2, 2]]), np.array([[True, False, True, True]]))
    assert table["intensity_mean"].tolist() == [0.5, 1]


@pytest.mark.parametrize(
    ("count", "names", "endings"),
    [
        (2, (), ["_0", "_1"]),
        (2, ("DAPI", "GFP"), ["_DAPI", "_GFP"]),
        (3, ("a", "b", "a"), ["_a_0", "_b", "_a_2"]),
        (1, ("DAPI",), ["_DAPI"]),
        (1, (), [""]),
    ],
)
def test_each_channel_has_its_columns(
    count: int, names: tuple[str, ...], endings: list[str]
) -> None:
    labels = blobs((20, 30))
    image = np.stack([values((20, 30), seed) for seed in range(count)])
    table = measure(labels, image, channel_names=names)
    assert [c for c in table.columns if c.startswith("intensity_mean")] == [
        f"intensity_mean{ending}" for ending in endings
    ]
    for channel, ending in zip(image, endings, strict=True):
        single = measure(labels, channel).filter(like="intensity")
        for column in single.columns:
            np.testing.assert_array_equal(table[column + ending], single[column])


def test_a_name_of_the_only_channel_is_used_without_an_axis_of_channels() -> None:
    table = measure(np.ones((2, 2), int), np.ones((2, 2)), channel_names=("DAPI",))
    assert "intensity_mean_DAPI" in table.columns


def test_arrays_of_any_order_and_read_only_are_fine() -> None:
    labels, image = blobs((17, 40, 50)), values((17, 40, 50))
    expected = measure(labels, image)
    other = np.asfortranarray(labels), np.asfortranarray(image)
    for array in other:
        array.flags.writeable = False
    pd.testing.assert_frame_equal(measure(*other), expected)


def test_lengths_far_from_the_origin_keep_their_precision() -> None:
    labels = np.zeros((8, 200_000), np.uint8)
    labels[2:5, -9:-2] = 1
    near = measure(labels[:, -20:])
    far = measure(labels)
    for column in near.filter(like="axis").columns:
        assert far[column].item() == near[column].item()


def test_two_threads_may_measure_at_once() -> None:
    labels, image = blobs((17, 40, 50)), values((17, 40, 50))
    expected = measure(labels, image)
    with ThreadPoolExecutor(2) as pool:
        for table in pool.map(lambda _: measure(labels, image), range(20)):
            pd.testing.assert_frame_equal(table, expected)


FLAT = np.ones((3, 4), int)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": np.ones(3, int)}, r"not shape \(3,\)"),
        ({"labels": np.ones((1, 1, 1, 1), int)}, r"not shape \(1, 1, 1, 1\)"),
        ({"labels": FLAT, "image": np.ones((4, 3))}, r"Image of shape \(4, 3\)"),
        ({"labels": FLAT, "image": np.ones((2, 2, 3, 4))}, "Image of shape"),
        ({"labels": FLAT, "image": FLAT * 1j}, "real numbers"),
        ({"labels": FLAT, "spacing": (1, 1)}, "unit of length"),
        ({"labels": FLAT, "spacing": (1, 1), "unit": "px"}, "unit of length"),
        ({"labels": FLAT, "spacing": (1, 1, 1), "unit": "um"}, "2 positive"),
        ({"labels": FLAT, "spacing": (1, 0), "unit": "um"}, "2 positive"),
        ({"labels": FLAT, "spacing": (1, np.nan), "unit": "um"}, "2 positive"),
        ({"labels": FLAT, "image": FLAT, "channel_names": ("a", "b")}, "1 channels but 2 names"),
        ({"labels": -FLAT}, "the id -1"),
    ],
)
def test_inconsistent_inputs_are_refused_in_a_sentence(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        measure(**arguments)
