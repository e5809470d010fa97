"""An image with its axes, voxel size, orientation and channel names."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .escaped import escaped
from .quantity import LENGTHS, Quantity

SPATIAL = "ZYX"
AXES = "TCZYX"


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """How a NIfTI states the affine of a `Volume`: as sform, qform or both.

    Attributes
    ----------
    sform_code, qform_code : int
        Which world each of them maps to (0: it is not there).
    to_qform : ndarray, optional
        (4, 4) matrix from the world of the volume's affine to that of a qform that differs.
    """

    sform_code: int
    qform_code: int
    to_qform: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Volume:
    """An image and its geometry.

    Attributes
    ----------
    array : array-like
        Anything with shape, dtype and slicing (numpy, dask, zarr); `numpy.asarray` loads it.
    axes : str
        One letter for each axis: T (time), C (channel or colour), Z, Y and X. Y and X are
        required, in this order, Z before them.
    spacing : tuple of float, optional
        Size of a voxel along each *spatial* axis, in the order of `axes`; None without calibration.
    unit : str
        Unit of `spacing`: "um", "mm", ...; "px" without calibration.
    affine : ndarray, optional
        (n + 1, n + 1) matrix from voxel indices of the n spatial axes to world coordinates in
        `unit`, if the file has more than the spacing. Both are in the order of the array:
        (z, y, x) to, for a patient, (superior, posterior, left), which is the LPS+ of DICOM in
        reverse order. The lengths of its columns are the spacing.
    channel_names : tuple of str
        One name for each channel, or empty.
    name : str
        Name of the image in messages.
    is_labels : bool
        Whether values are ids of objects or classes, not intensities.
    forms : Forms, optional
        How the NIfTI states its affine, for results that lie on it in every program.

    Raises
    ------
    InputError
        If these are inconsistent.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_tally import Volume
    >>> stack = Volume(np.zeros((2, 16, 64, 64)), "CZYX", spacing=(0.5, 0.2, 0.2), unit="um")
    >>> stack.describe_spacing()
    'Z 0.5 x Y 0.2 x X 0.2 um'
    >>> stack.at("C", 0).shape
    (16, 64, 64)
    """

    array: Any
    axes: str
    spacing: tuple[float, ...] | None = None
    unit: str = "px"
    affine: NDArray[np.float64] | None = None
    channel_names: tuple[str, ...] = ()
    name: str = "image"
    is_labels: bool = False
    forms: Forms | None = None

    def __post_init__(self) -> None:
        # Names become columns of tables, which take no bytes that are not UTF-8.
        object.__setattr__(self, "name", escaped(self.name))
        object.__setattr__(self, "channel_names", tuple(map(escaped, self.channel_names)))
        self._check_axes()
        if self.spacing is not None:
            self._check_spacing(self.spacing)
        elif self.unit != "px":
            raise InputError(f"{self.name} has the unit {self.unit} but no spacing")
        if self.affine is not None:
            self._check_affine(np.asarray(self.affine))
        count = self.array.shape[self.axes.index("C")] if "C" in self.axes else 0
        if self.channel_names and len(self.channel_names) != max(count, 1):
            raise InputError(
                f"{self.name} has {max(count, 1)} channels, but {len(self.channel_names)} names: "
                f"{', '.join(self.channel_names)}"
            )

    def _check_axes(self) -> None:
        shape = tuple(self.array.shape)
        if len(shape) < 2:
            raise InputError(f"{self.name} must have at least two axes, not the shape {shape}")
        if len(self.axes) != len(shape):
            raise InputError(
                f"Axes {self.axes!r} do not fit {self.name} of shape {shape}",
                hint=f"Give one letter of {AXES} for each axis",
            )
        if len(set(self.axes)) != len(self.axes) or set(self.axes) - set(AXES):
            raise InputError(f"Axes must be different letters of {AXES}, not {self.axes!r}")
        if self.spatial_axes not in ("YX", "ZYX"):
            raise InputError(f"Spatial axes must be YX or ZYX, in this order, not {self.axes!r}")

    def _check_spacing(self, spacing: tuple[float, ...]) -> None:
        if self.unit not in LENGTHS:
            raise InputError(
                f"{self.unit!r} is not a unit of length", hint=f"Use one of {', '.join(LENGTHS)}"
            )
        if len(spacing) != len(self.spatial_axes):
            raise InputError(
                f"Spacing {spacing} does not fit {self.name}",
                hint=f"Give one number for each of {self.spatial_axes}",
            )
        if not all(math.isfinite(s) and s > 0 for s in spacing):
            raise InputError(f"Spacing of {self.name} must be positive and finite, not {spacing}")

    def _check_affine(self, affine: NDArray[Any]) -> None:
        size = len(self.spatial_axes) + 1
        if affine.shape != (size, size) or affine.dtype.kind not in "iuf":
            raise InputError(
                f"The affine of {self.name} has the shape {affine.shape} and dtype {affine.dtype}",
                hint=f"Give a matrix of {size} x {size} numbers for the axes {self.spatial_axes}",
            )
        lengths = np.linalg.norm(affine[:-1, :-1].astype(float), axis=0)
        if self.spacing is not None and not np.allclose(lengths, self.spacing, rtol=1e-2, atol=0):
            raise InputError(
                f"The columns of the affine of {self.name} have the lengths {lengths}, but its "
                f"spacing is {self.describe_spacing()}",
                hint="Give the same unit and voxel size in both",
            )

    @property
    def spatial_axes(self) -> str:
        """The spatial axes in the order of the array: "YX" or "ZYX"."""
        return "".join(a for a in self.axes if a in SPATIAL)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the whole array."""
        return tuple(self.array.shape)

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """The shape along the spatial axes."""
        return tuple(n for n, a in zip(self.shape, self.axes, strict=True) if a in SPATIAL)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels, or numbers if the file has none; empty without C axis."""
        if "C" not in self.axes:
            return ()
        count = self.shape[self.axes.index("C")]
        return self.channel_names or tuple(str(i) for i in range(count))

    @property
    def calibrated(self) -> bool:
        """Whether the size of a voxel is known."""
        return self.spacing is not None

    def spacing_in(self, unit: str) -> tuple[float, ...]:
        """Return the spacing in another unit; 1 px an axis without calibration."""
        if self.spacing is None:
            return (1.0,) * len(self.spatial_axes)
        return Quantity(self.spacing, self.unit).to(unit)

    def with_spacing(self, spacing: Quantity) -> Volume:
        """Set the spacing: one number for all spatial axes or one for each.

        The affine is rescaled; directions and origin stay.
        """
        values = spacing.values * (len(self.spatial_axes) if len(spacing.values) == 1 else 1)
        if spacing.unit == "px":
            raise InputError(
                f"Spacing {spacing} has no physical unit",
                hint="Add one, such as 0.5um",
            )
        new = replace(self, spacing=values, unit=spacing.unit, affine=None, forms=None)
        if self.affine is None:
            return new
        affine = np.array(self.affine, np.float64)
        affine[:-1] *= LENGTHS[self.unit] / LENGTHS[spacing.unit]
        affine[:-1, :-1] *= np.divide(values, self.spacing_in(spacing.unit))
        return replace(new, affine=affine)

    def at(self, axis: str, index: int) -> Volume:
        """Return the volume at one index of one axis, without that axis.

        A channel keeps its name; a slice of a stack loses the affine and Z's spacing.
        """
        place = self.axes.index(axis)
        array = self.array[(slice(None),) * place + (index,)]
        names = self.channels[index : index + 1] if axis == "C" else self.channel_names
        spacing, affine = self.spacing, self.affine
        if axis in SPATIAL:
            drop = self.spatial_axes.index(axis)
            affine = None
            spacing = None if spacing is None else spacing[:drop] + spacing[drop + 1 :]
        axes = self.axes.replace(axis, "")
        return replace(
            self, array=array, axes=axes, spacing=spacing, affine=affine, channel_names=names
        )

    def squeezed(self, axes: str) -> Volume:
        """Return the volume without those of some axes that have length 1; see `at`."""
        volume = self
        for axis in axes:
            if axis in volume.axes and volume.shape[volume.axes.index(axis)] == 1:
                volume = volume.at(axis, 0)
        return volume

    def channels_first(self) -> NDArray[Any]:
        """Return the array with channels first, shape (C, ...), with C = 1 without such an axis."""
        array = np.asarray(self.array)
        return np.moveaxis(array, self.axes.index("C"), 0) if "C" in self.axes else array[None]

    def calibrated_by(self, others: Iterable[Volume]) -> Volume:
        """Return the volume, with the calibration of the first other one if it has none itself."""
        for other in others:
            if not self.calibrated and other.calibrated and other.spatial_axes == self.spatial_axes:
                return replace(self, spacing=other.spacing, unit=other.unit)
        return self

    def channel_index(self, channel: int | str) -> int:
        """Return the index of a channel given by index (from 0) or name.

        Raises
        ------
        InputError
            If there is no such channel.
        """
        names = self.channels
        lower = [n.lower() for n in names]
        text = str(channel).strip()
        if text.lower() in lower:
            return lower.index(text.lower())
        if text.lstrip("-").isdigit() and 0 <= int(text) < len(names):
            return int(text)
        listed = ", ".join(f"{i} ({n})" if n != str(i) else n for i, n in enumerate(names))
        raise InputError(
            f"{self.name} has no channel {text!r}", hint=f"Channels: {listed or 'none'}"
        )

    def describe_spacing(self) -> str:
        """Return the calibration in words: "Y 0.26 x X 0.26 um", or "no calibration"."""
        if self.spacing is None:
            return "no calibration"
        pairs = zip(self.spatial_axes, self.spacing, strict=True)
        return " x ".join(f"{a} {s:.4g}" for a, s in pairs) + f" {self.unit}"


def guess_axes(shape: tuple[int, ...], name: str = "image") -> str:
    """Guess the axes of a bare array: YX, YXC for RGB(A), else ZYX or CYX for few leading planes.

    Raises
    ------
    InputError
        If the array has fewer than 2 or more than 3 axes.
    """
    if len(shape) == 2:
        return "YX"
    if len(shape) == 3:
        if shape[-1] in (3, 4) and min(shape[:2]) > 4:
            return "YXC"
        return "CYX" if shape[0] <= 4 and min(shape[1:]) > 4 else "ZYX"
    if len(shape) < 2:
        raise InputError(f"{name} must have at least two axes of {AXES}, not the shape {shape}")
    raise InputError(
        f"The axes of {name} cannot be guessed from the shape {shape}",
        hint=f"Set them to letters of {AXES}, such as axes='TZYX'",
    )
