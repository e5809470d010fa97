"""The objects of one image, and intermediate results that several groups share."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.cube_configurations import configuration_counts
from ..kernels.moments import Moments, sums
from .options import Measurements


@dataclass(frozen=True)
class Objects:
    """Labels, intensities on the same grid, and the size of a voxel.

    Attributes
    ----------
    labels : ndarray of uint16 or uint32, shape (Y, X) or (Z, Y, X)
        Consecutive ids from 1.
    ids : ndarray of int, shape (n,)
        Original ids: that of object i + 1 is `ids[i]`.
    channels : ndarray, shape (C, *spatial)
        In a dtype that loops are compiled for; C may be 0.
    endings : tuple of str
        Endings of column names, one per channel.
    size : ndarray of float64, shape (ndim,)
        Size of a voxel along each axis, in `unit`.
    unit : str
        um, mm or px.
    options : Measurements
        Groups to measure, and their options.
    """

    labels: NDArray[np.unsignedinteger[Any]]
    ids: NDArray[np.integer[Any]]
    channels: NDArray[Any]
    endings: tuple[str, ...]
    size: NDArray[np.float64]
    unit: str
    options: Measurements = field(default_factory=Measurements)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def ndim(self) -> int:
        """2 or 3."""
        return self.labels.ndim

    @property
    def stack(self) -> NDArray[np.unsignedinteger[Any]]:
        """The labels as (Z, Y, X), with one plane in 2D."""
        return self.labels.reshape((1,) * (3 - self.ndim) + self.labels.shape)

    @property
    def channel_stacks(self) -> NDArray[Any]:
        """The channels as (C, Z, Y, X)."""
        return self.channels.reshape(len(self.channels), *self.stack.shape)

    @property
    def voxel(self) -> NDArray[np.float64]:
        """The size of a voxel along Z, Y and X; 1 along Z in 2D."""
        return np.concatenate([np.ones(3 - self.ndim), self.size])

    @cached_property
    def moments(self) -> Moments:
        """Moments of coordinates and intensities, from one pass over the array."""
        return sums(self.stack, self.channel_stacks, len(self)).moments()

    @cached_property
    def configurations(self) -> NDArray[np.int64]:
        """Voxel configurations at the borders, from a second pass: see `configuration_counts`."""
        return configuration_counts(self.labels, len(self))

    @property
    def low(self) -> NDArray[np.int64]:
        """Starts of the bounding boxes, shape (n, ndim)."""
        return self.moments.low[:, -self.ndim :]

    @property
    def high(self) -> NDArray[np.int64]:
        """Ends of the bounding boxes, exclusive, shape (n, ndim)."""
        return self.moments.high[:, -self.ndim :]

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance of voxel positions, in voxels, shape (n, ndim, ndim)."""
        return self.moments.covariance[:, -self.ndim :, -self.ndim :]

    @cached_property
    def amount(self) -> NDArray[np.float64]:
        """Area or volume, in `unit` squared or cubed."""
        return np.asarray(self.moments.count * self.size.prod())

    @cached_property
    def centroid(self) -> NDArray[np.float64]:
        """Centroids relative to the first voxel's centre, in `unit`, shape (n, ndim)."""
        return self.moments.centroid[:, -self.ndim :] * self.size
