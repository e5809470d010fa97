"""Do our columns agree with scikit-image, SimpleITK and a recomputation in pandas?

Run with `python benchmarks/agreement.py [--data FOLDER]`. Each line is one column of one label
image beside the same measurement of another program: the largest and the median relative difference
over all objects. A difference above `SAME` needs a reason, or the script ends with 1.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.spatial.transform import Rotation
from scipy.special import ellipe
from side_by_side import machine
from skimage.measure import regionprops_table

import napari_tally
from napari_tally import Volume

Columns = dict[str, NDArray[np.float64]]
SAME = 1e-6
GROUPS = ("size", "place", "shape", "surface", "hull", "border", "intensity", "distribution")
NEAR_0 = 0.1  # differences of smaller values count as if these were 0.1: round objects
THIN = 3  # voxels
MOST = 60  # objects of an image: scikit-image and ITK take seconds for each large one

# Columns that others define in another way: see "Agreement" in docs/reference/measurements.
REASONS = {
    ("perimeter", "SimpleITK"): "ITK is biased where pixels are not square",
    (
        "surface_area",
        "SimpleITK",
    ): "ITK is biased where voxels are not cubes",
    ("elongation", "SimpleITK"): "ITK takes voxels as points, we as boxes",
    ("flatness", "SimpleITK"): "ITK takes voxels as points, we as boxes",
    ("feret_max", "scikit-image"): "scikit-image measures between the points of a level set, "
    "we between the midpoints of voxel faces",
    ("feret_max", "SimpleITK"): "ITK measures between voxel centres, we between voxel faces",
    ("intensity_std", "SimpleITK"): "ITK divides by n - 1, we by n, as numpy.std",
    ("intensity_median", "SimpleITK"): "ITK takes the median of a histogram of 128 bins",
}


@dataclass(frozen=True)
class Difference:
    """One column of an image beside another program's."""

    image: str
    column: str
    other: str
    objects: int
    worst: float
    median: float

    @property
    def reason(self) -> str:
        """Why they differ; empty if they do not, or nobody knows."""
        known = (why for (column, other), why in REASONS.items() if self._is(column, other))
        return "" if self.worst <= SAME else next(known, "")

    def _is(self, column: str, other: str) -> bool:
        return self.column.startswith(column) and self.other == other

    @property
    def explained(self) -> bool:
        """Whether they are equal, or differ for a known reason."""
        return self.worst <= SAME or bool(self.reason)


def images(data: Path) -> Iterator[tuple[str, Volume, Volume]]:
    """Yield a name, labels and their image: 2D and 3D, isotropic, anisotropic and oblique."""
    flat = first_of(data / "nuclei-2d")
    yield "2D, pixels of 0.5 um", *pair(*flat, (0.5, 0.5))
    yield "2D, pixels of 0.8 x 0.3 um", *pair(*flat, (0.8, 0.3))
    solid = first_of(data / "nuclei-3d-ovule")
    yield "3D, isotropic", *pair(*solid, (0.2, 0.2, 0.2))
    anisotropic = pair(*solid, (0.284, 0.127, 0.127))
    yield "3D, anisotropic", *anisotropic
    yield "3D, anisotropic and oblique", *(oblique(volume) for volume in anisotropic)


def first_of(folder: Path) -> list[NDArray[np.generic]]:
    """Return the first label image of a folder, and its image."""
    name = sorted((folder / "labels").iterdir())[0].name
    return [np.asarray(napari_tally.read(folder / d / name).array) for d in ("labels", "images")]


def pair(
    labels: NDArray[np.integer], image: NDArray[np.generic], spacing: tuple[float, ...]
) -> tuple[Volume, Volume]:
    """Return labels and image as volumes, with the first objects only.

    Objects thinner than `THIN` voxels are left out: scikit-image has no hull for them.
    """
    boxes = {i + 1: box for i, box in enumerate(find_objects(labels)) if box}
    thick = [i for i, box in boxes.items() if min(s.stop - s.start for s in box) >= THIN]
    kept = np.where(np.isin(labels, thick[:MOST]), labels, 0).astype(np.uint32)
    axes = "ZYX"[-labels.ndim :]
    return Volume(kept, axes, spacing, "um", is_labels=True), Volume(image, axes, spacing, "um")


def oblique(volume: Volume) -> Volume:
    """Return a volume that is rotated by 30 and 20 degrees, and away from the origin."""
    affine = np.eye(4)
    turn = Rotation.from_euler("zy", [30, 20], degrees=True).as_matrix()
    affine[:3] = np.column_stack([turn * volume.spacing, [10, -20, 30]])
    return replace(volume, affine=affine)


def by_scikit_image(labels: Volume, image: Volume) -> Columns:
    """Return the columns that scikit-image measures, under our names."""
    names = {
        "area": "area" if labels.axes == "YX" else "volume",
        "equivalent_diameter_area": "equivalent_diameter",
        "axis_major_length": "axis_major_length",
        "axis_minor_length": "axis_minor_length",
        "extent": "extent",
        "euler_number": "euler_number",
        "area_convex": "convex_area" if labels.axes == "YX" else "convex_volume",
        "solidity": "solidity",
        "feret_diameter_max": "feret_max",
        "intensity_mean": "intensity_mean",
        "intensity_min": "intensity_min",
        "intensity_max": "intensity_max",
        "intensity_std": "intensity_std",
    }
    flat = {"eccentricity": "eccentricity", "perimeter_crofton": "perimeter"}
    flat = flat if labels.axes == "YX" and len(set(labels.spacing)) == 1 else {}
    names |= flat
    properties = ("centroid", "bbox", *["orientation"] * (len(labels.axes) == 2))
    found = regionprops_table(
        np.asarray(labels.array), np.asarray(image.array), properties=(*properties, *names),
        spacing=labels.spacing,
    )  # fmt: skip
    columns = {ours: found[theirs] for theirs, ours in names.items()}
    if len(labels.axes) == 2:  # from the row axis to the angle above the column axis
        angle = 90 - (90 - np.degrees(found["orientation"]) - 90) % 180
        round_ones = found["axis_major_length"] - found["axis_minor_length"] < SAME
        columns["orientation"] = np.where(round_ones, np.nan, angle)
    for i, axis in enumerate(labels.axes.lower()):
        columns[f"centroid_{axis}"] = found[f"centroid-{i}"]
        columns[f"bbox_{axis}_min"] = found[f"bbox-{i}"]
        columns[f"bbox_{axis}_max"] = found[f"bbox-{i + len(labels.axes)}"]
    return columns


def by_simpleitk(labels: Volume, image: Volume) -> Columns:
    """Return the columns that SimpleITK measures, under our names."""
    theirs, values = as_itk(labels), as_itk(image)
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.ComputeFeretDiameterOn()
    shape.Execute(theirs)
    levels = sitk.LabelIntensityStatisticsImageFilter()
    levels.Execute(theirs, values)
    flat = len(labels.axes) == 2
    measures: dict[str, Callable[[int], float]] = {
        "area" if flat else "volume": shape.GetPhysicalSize,
        "equivalent_diameter": lambda i: 2 * shape.GetEquivalentSphericalRadius(i),
        "perimeter" if flat else "surface_area": shape.GetPerimeter,
        "elongation": shape.GetElongation,
        "feret_max": shape.GetFeretDiameter,
        "intensity_mean": levels.GetMean,
        "intensity_std": levels.GetStandardDeviation,
        "intensity_min": levels.GetMinimum,
        "intensity_max": levels.GetMaximum,
        "intensity_sum": levels.GetSum,
        "intensity_median": levels.GetMedian,
    }
    measures |= {} if flat else {"flatness": shape.GetFlatness}
    ids = shape.GetLabels()
    columns = {name: np.array([measure(i) for i in ids]) for name, measure in measures.items()}
    # The centroid in the world, back to lengths from the first voxel along the axes of the array.
    world = np.array([shape.GetCentroid(i) for i in ids]) - theirs.GetOrigin()
    direction = np.reshape(theirs.GetDirection(), (len(labels.axes),) * 2)
    along = (world @ direction)[:, ::-1]
    return columns | {f"centroid_{a}": along[:, i] for i, a in enumerate(labels.axes.lower())}


def as_itk(volume: Volume) -> sitk.Image:
    """Return an image of SimpleITK with the spacing, direction and origin of a volume."""
    array = np.asarray(volume.array)
    found = sitk.GetImageFromArray(array if volume.is_labels else array.astype(np.float64))
    found.SetSpacing(volume.spacing[::-1])
    if volume.affine is not None:
        direction = volume.affine[:-1, :-1] / volume.spacing
        found.SetDirection(direction[::-1, ::-1].ravel().tolist())
        found.SetOrigin(volume.affine[:-1, -1][::-1].tolist())
    return found


def by_pandas(labels: Volume, image: Volume) -> Columns:
    """Return what follows from a table of all voxels of objects."""
    array = np.asarray(labels.array)
    where = np.nonzero(array)
    axes = labels.axes.lower()
    voxels = pd.DataFrame(dict(zip(axes, where, strict=True)))
    voxels["value"] = np.asarray(image.array)[where].astype(np.float64)
    objects = voxels.groupby(array[where])
    size, value = objects.size() * np.prod(labels.spacing), objects["value"]
    columns = {
        "area" if len(axes) == 2 else "volume": size,
        "intensity_mean": value.mean(),
        "intensity_min": value.min(),
        "intensity_max": value.max(),
        "intensity_std": value.std(ddof=0),
        "intensity_sum": value.sum(),
        "intensity_median": value.median(),
    }
    columns |= {f"intensity_p{p}": value.quantile(p / 100) for p in (5, 25, 75, 95)}
    border = pd.Series(False, index=size.index)
    for axis, length, step in zip(axes, array.shape, labels.spacing, strict=True):
        places = objects[axis]
        columns[f"centroid_{axis}"] = places.mean() * step
        columns[f"centroid_index_{axis}"] = places.mean()
        columns[f"width_{axis}"] = (places.max() - places.min() + 1) * step
        border |= (places.min() == 0) | (places.max() == length - 1)
    columns["touches_border"] = border
    return {name: np.asarray(column, np.float64) for name, column in columns.items()}


OTHERS = {"scikit-image": by_scikit_image, "SimpleITK": by_simpleitk, "pandas": by_pandas}


def differences(name: str, labels: Volume, image: Volume) -> Iterator[Difference]:
    """Yield each column of an image beside those of the other programs."""
    table = napari_tally.measure(labels, image, groups=GROUPS)
    ours = {column_key(column): table[column].to_numpy(np.float64) for column in table}
    for other, measured in OTHERS.items():
        for column, theirs in measured(labels, image).items():
            scale = np.maximum(np.abs(theirs), np.abs(ours[column])).clip(NEAR_0)
            gap = np.abs(theirs - ours[column]) / scale
            yield Difference(name, column, other, len(gap), np.nanmax(gap), np.nanmedian(gap))


def column_key(column: str) -> str:
    """Return the name of a column without its unit."""
    for unit in ("_um3", "_um2", "_um", "_px", "_deg"):
        column = column.removesuffix(unit)
    return column


def ellipses() -> Iterator[str]:
    """Yield the perimeter of rotated ellipses beside the known one: SimpleITK's and ours."""
    known = 4 * 24 * ellipe(1 - (10 / 24) ** 2)
    for spacing in ((0.5, 0.5), (0.8, 0.3)):
        y, x = (np.arange(-n, n + 1) * s + 0.1 for n, s in zip((100, 200), spacing, strict=True))
        for degrees in (0, 30, 45, 60, 90):
            cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            along, across = x * cos + y[:, None] * sin, y[:, None] * cos - x * sin
            inside = ((along / 24) ** 2 + (across / 10) ** 2 < 1).astype(np.uint32)
            labels = Volume(inside, "YX", spacing, "um", is_labels=True)
            theirs = by_simpleitk(labels, labels)["perimeter"][0] / known
            ours = napari_tally.measure(labels)["perimeter_um"][0] / known
            yield f"pixels of {spacing}, {degrees:2} degrees: {theirs:.3f} {ours:.3f}"


def main() -> None:
    """Compare all images, and print a line for each column."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared/data")
    data = parser.parse_args().data
    print(machine())
    found = [d for image in images(data) for d in differences(*image)]
    for d in found:
        mark = "equal" if d.worst <= SAME else d.reason or "NOT EXPLAINED"
        print(f"{d.image:30} {d.column:20} {d.other:13} {d.worst:8.1e} {d.median:8.1e}  {mark}")
    print("perimeter of ellipses, relative to the known one: SimpleITK's, ours")
    print(*ellipses(), sep="\n")
    odd = [d for d in found if not d.explained]
    print(f"{len(found)} columns compared, {len(odd)} differ without a known reason")
    raise SystemExit(bool(odd))


if __name__ == "__main__":
    main()
