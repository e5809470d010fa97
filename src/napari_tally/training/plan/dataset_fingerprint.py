"""The fingerprint of training data: what a plan is made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...core.connected_components import components
from ...core.options import Options
from ...geometry.orientation import orientation_of, turn_to
from ...heads import Kind
from ..data.label_kind import kind_of
from ..data.labelled_image import axes_of, in_planes

if TYPE_CHECKING:
    from ..data.labelled_image import Labelled

_SAMPLES = 100_000  # voxels of an image that are sampled for its intensities


class Fingerprint(Options):
    """Data in numbers.

    Attributes
    ----------
    images : int
        Number of images.
    ndim : 2 or 3
        Axes of the network's input: 2 where some images have no depth, slice by slice.
    shape : tuple of int
        Median along each axis.
    spacing : tuple of float, optional
        Median size of a voxel, in `unit`; None unless all images are calibrated.
    calibrated : int
        Number of calibrated images.
    mixed : bool
        Whether the spacings differ by more than a tenth.
    orientation : str, optional
        Orientation of most images, where files have one, as nibabel writes it ("RAS").
    kind : str
        What the labels are.
    ids : tuple of int
        The class ids that there are; empty for instances.
    shares : tuple of float
        Of each class, the background first, the share of the labelled voxels.
    objects : int
        Number of objects, or of connected components of classes.
    diameters : (float, float, float)
        Diameter, px, of the objects: smallest (5 %), median, largest (95 %) of all; 0 without any.
    sizes : (float, float)
        Voxels of the objects: 5 % and median.
    median_diameters : (float, float, float)
        The smallest, middle and largest (5, 50, 95 %) of the images' median diameters.
    intensities : (float, float)
        0.5 % and 99.5 % of the intensities of the labelled voxels.
    lowest : float
        The lowest intensity.
    """

    images: int = Field(ge=1)
    ndim: Literal[2, 3]
    shape: tuple[int, ...]
    channels: tuple[str, ...]
    spacing: tuple[float, ...] | None = None
    unit: str = "px"
    calibrated: int = 0
    mixed: bool = False
    orientation: str | None = None
    kind: Kind
    ids: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()
    objects: int = 0
    diameters: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sizes: tuple[float, float] = (0.0, 0.0)
    median_diameters: tuple[float, float, float] = (0.0, 0.0, 0.0)
    intensities: tuple[float, float] = (0.0, 1.0)
    lowest: float = 0.0

    @property
    def foreground(self) -> float:
        """The share of labelled voxels."""
        return 1 - self.shares[0] if self.shares else 0.0

    def lines(self) -> list[str]:
        """Describe the data in lines of text."""
        shape = " x ".join(map(str, self.shape))
        taken = {"instances": "objects", "classes": "classes", "panoptic": "objects and classes"}
        size = f", median diameter {self.diameters[1]:.3g} px" if self.objects else ""
        found = [
            (
                f"Data: {self.images} images of about {shape}, {self._voxels()}; "
                f"{self.objects:,} objects{size}"
            ),
            f"The labels look like ids of {taken[self.kind]}; if not, set their kind",
        ]
        found += ["Voxel sizes differ: all images are resampled to the median"] * self.mixed
        partly = self.spacing is None and self.calibrated > 0
        return (
            found
            + [f"Calibration ignored: only {self.calibrated} of {self.images} images have one"]
            * partly
        )

    def _voxels(self) -> str:
        if self.spacing is None:
            return "without calibration" if not self.calibrated else "partly without calibration"
        return " x ".join(f"{s:g}" for s in self.spacing) + f" {self.unit}"


def fingerprint(
    pairs: Sequence[Labelled], kind: Kind | None = None, ndim: Literal[2, 3] | None = None
) -> Fingerprint:
    """Return the fingerprint of images that `check_all` returned."""
    ndim = ndim or axes_of(pairs)
    images = [in_planes([pair], ndim) for pair in pairs]
    planes = [plane for image in images for plane in image]
    kind = kind or kind_of(images)
    orientation = _orientation(planes) if ndim == 3 else None
    spacing, unit, mixed = _spacing(planes, orientation)
    per_image = [_sizes(_objects(plane, kind)) for plane in planes]
    sizes = np.concatenate(per_image)
    medians = [float(np.median(s)) for s in per_image if len(s)]
    ids, shares = _shares(planes, kind)
    inside = np.concatenate([_inside(plane) for plane in planes])
    return Fingerprint(
        images=len(pairs),
        ndim=ndim,
        shape=_median_shape(planes, orientation),
        channels=planes[0].image.channels or ("image",),
        spacing=spacing,
        unit=unit,
        calibrated=sum(pair.image.calibrated for pair in pairs),
        mixed=mixed,
        orientation=orientation,
        kind=kind,
        ids=ids,
        shares=shares,
        objects=len(sizes),
        diameters=_percentiles(_diameters(sizes, ndim)),
        sizes=tuple(np.round(np.percentile(sizes, (5, 50)), 1).tolist()) if len(sizes) else (0, 0),
        median_diameters=_percentiles(_diameters(np.array(medians), ndim)),
        intensities=tuple(np.percentile(inside, (0.5, 99.5)).tolist()) if len(inside) else (0, 1),
        lowest=float(min(np.nanmin(_sampled(plane)) for plane in planes)),
    )


def _spacing(
    pairs: Sequence[Labelled], orientation: str | None
) -> tuple[tuple[float, ...] | None, str, bool]:
    """Return the median spacing, its unit, and whether the images differ in it."""
    if not all(pair.image.calibrated for pair in pairs):
        return None, "px", False
    unit = pairs[0].image.unit
    spacings = [_reordered(p, p.image.spacing_in(unit), orientation) for p in pairs]
    all_of_them = np.array(spacings)
    middle = np.median(all_of_them, 0)
    mixed = bool((np.abs(all_of_them / middle - 1) > 0.1).any())
    return tuple(float(f"{s:.4g}") for s in middle), unit, mixed


def _median_shape(pairs: Sequence[Labelled], orientation: str | None) -> tuple[int, ...]:
    shapes = [_reordered(p, p.labels.shape, orientation) for p in pairs]
    return tuple(int(n) for n in np.median(shapes, 0))


def _reordered(
    pair: Labelled, values: tuple[float, ...], orientation: str | None
) -> tuple[float, ...]:
    """Return one value an axis in the order of the axes of an orientation."""
    if orientation is None or pair.image.affine is None:
        return values
    return turn_to(pair.image.affine, orientation).permuted(values)


def _orientation(pairs: Sequence[Labelled]) -> str | None:
    codes = [orientation_of(p.image.affine) for p in pairs if p.image.affine is not None]
    return max(set(codes), key=codes.count) if len(codes) == len(pairs) else None


def _objects(pair: Labelled, kind: Kind) -> NDArray[np.integer]:
    labels = np.asarray(pair.labels.array)
    return components(labels) if kind == "classes" else labels


def _sizes(objects: NDArray[np.integer]) -> NDArray[np.float64]:
    ids = np.unique(objects[objects > 0], return_counts=True)[1]
    found: NDArray[np.float64] = ids.astype(np.float64)
    return found


def _diameters(sizes: NDArray[np.float64], ndim: int) -> NDArray[np.float64]:
    """Return the diameters of discs or balls of these sizes."""
    radii = np.sqrt(sizes / np.pi) if ndim == 2 else np.cbrt(0.75 * sizes / np.pi)
    return np.asarray(2 * radii)


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float, float]:
    if not len(values):
        return 0.0, 0.0, 0.0
    low, middle, high = np.round(np.percentile(values, (5, 50, 95)), 2).tolist()
    return low, middle, high


def _shares(pairs: Sequence[Labelled], kind: Kind) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the class ids, and the shares of the background and of each of them."""
    counts: dict[int, int] = {0: 0}
    for pair in pairs:
        source = pair.classes if kind == "panoptic" and pair.classes is not None else pair.labels
        array = np.asarray(source.array)
        array = array > 0 if kind == "instances" else array
        values = array if pair.known is None else array[pair.known]
        for value, count in zip(*np.unique(values, return_counts=True), strict=True):
            counts[int(value)] = counts.get(int(value), 0) + int(count)
    total = max(1, sum(counts.values()))
    shares = tuple(round(counts[i] / total, 6) for i in sorted(counts))
    return (() if kind == "instances" else tuple(sorted(counts.keys() - {0}))), shares


def _sampled(pair: Labelled) -> NDArray[np.float64]:
    image = pair.image.channels_first()
    step = max(1, round((image[0].size / _SAMPLES) ** (1 / image[0].ndim)))
    found = image[(slice(None),) + (slice(None, None, step),) * (image.ndim - 1)]
    clean: NDArray[np.float64] = np.nan_to_num(found.astype(np.float64))
    return clean


def _inside(pair: Labelled) -> NDArray[np.float64]:
    """Return intensities of the first channel in the labelled voxels."""
    image, labels = pair.image.channels_first()[0], np.asarray(pair.labels.array)
    values = image[labels > 0].ravel()
    found: NDArray[np.float64] = values[:: max(1, len(values) // 10_000)].astype(np.float64)
    return found[np.isfinite(found)]
