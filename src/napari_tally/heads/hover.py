"""Objects from the foreground and the offsets to their centres: HoVer-Net."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from .base import Head, Labels, Maps

if TYPE_CHECKING:
    from torch import Tensor

_REACH = 4  # px, of the Gaussian (sigma 1 px) that smooths the relief


class Hover(Head):
    """Background, nucleus; offset to the centre along each axis, from -1 to 1 across an object.

    Where the offsets jump, two objects touch: their gradients are the border, and a watershed from
    what is left of the foreground separates them. After HoVer-Net (Graham et al., 2019,
    https://doi.org/10.1016/j.media.2019.101563), as MONAI decodes it. For networks that were
    trained elsewhere.
    """

    is_trainable: ClassVar[bool] = False
    domain: ClassVar[str] = "Every object is connected and larger than its markers."
    tunable: ClassVar[tuple[str, ...]] = ("border",)

    name: Literal["hover"] = "hover"
    threshold: float = Field(
        0.5, gt=0, lt=1, description="Minimum probability of a voxel of an object"
    )
    border: float = Field(
        0.4, gt=0, lt=1, description="Minimum strength of a border between objects"
    )
    kernel: int = Field(5, ge=3, le=31, description="Length of the Sobel kernel, px")
    radius: int = Field(2, ge=0, le=32, description="Radius, px, of what is removed from markers")
    least_object: int = Field(10, ge=0, description="Minimum pixels of an object and of its marker")

    @field_validator("kernel")
    @classmethod
    def _is_odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"the kernel must be odd, not {kernel}")
        return kernel

    def channels(self, ndim: int) -> int:
        return 2 + ndim

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return ("background", "nucleus", *(f"offset {axis}" for axis in "zyx"[-ndim:]))

    def activate(self, output: Tensor) -> Tensor:
        import torch

        return torch.cat([output[:, :2].softmax(1), output[:, 2:]], 1)

    def vectors(self, ndim: int) -> tuple[int, ...]:
        return tuple(range(2, 2 + ndim))

    def decode(self, maps: Maps) -> Labels:
        from scipy.ndimage import binary_fill_holes, label
        from skimage.morphology import disk, opening
        from skimage.segmentation import watershed

        maps = self.checked(maps)
        mask = self._without_small(label(maps[1] > self.threshold)[0]) > 0
        border = np.maximum(_border(maps, self.kernel) - (1 - mask), 0).astype(np.float32)
        relief = -_smoothed((1 - border) * mask)
        sure = binary_fill_holes(mask & (border < self.border))
        sure = opening(sure.astype(np.uint8), disk(self.radius))
        markers = self._without_small(label(sure)[0])
        found: Labels = watershed(relief, markers=markers, mask=mask, connectivity=1)
        return found.astype(np.int32)

    def _without_small(self, labels: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return labels of at least `least_object` pixels."""
        sizes = np.bincount(labels.ravel())
        small = sizes < self.least_object
        small[0] = False
        return np.where(small[labels], 0, labels)


def _border(maps: NDArray[np.float32], kernel: int) -> NDArray[np.float32]:
    """Return how strongly the offsets, each along its axis, jump: 1 between touching objects."""
    jumps = []
    for axis, offset in enumerate(maps[2:]):
        smooth = _scaled(_gradient(_scaled(offset), axis, kernel))
        jumps.append(1 - smooth)
    strongest: NDArray[np.float32] = np.max(jumps, axis=0)
    return strongest


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values from 0 to 1; of a constant, 1."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.ones_like(values)
    return (values - np.float32(low)) / np.float32(high - low)


def _gradient(values: NDArray[np.float32], axis: int, length: int) -> NDArray[np.float32]:
    """Return the Sobel gradient along an axis, mirrored at the border."""
    from scipy.ndimage import correlate1d

    first, second = _kernels(length)
    out = correlate1d(values, first, axis, mode="mirror")
    for other in range(values.ndim):
        out = correlate1d(out, second, other, mode="mirror") if other != axis else out
    gradient: NDArray[np.float32] = out
    return gradient


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values after a Gaussian of 1 px, integrated over each pixel."""
    from scipy.ndimage import correlate1d
    from scipy.special import erf

    at = np.arange(-_REACH, _REACH + 1)
    kernel = (erf((at + 0.5) / np.sqrt(2)) - erf((at - 0.5) / np.sqrt(2))) / 2
    out = values
    for axis in range(values.ndim):
        out = correlate1d(out, kernel.astype(np.float32), axis, mode="constant")
    return out


def _kernels(length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the differentiating and the smoothing kernel."""
    derivative, smoothing = np.array([-1.0, 0, 1]), np.array([1.0, 2, 1])
    for _ in range((length - 3) // 2):
        derivative = np.convolve(derivative, [1, 2, 1])
        smoothing = np.convolve(smoothing, [1, 2, 1])
    return derivative.astype(np.float32), smoothing.astype(np.float32)
