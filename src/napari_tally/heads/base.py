"""The contract of a head: what the channels of a network mean.

A head is a pair: `encode` makes, from labels, the maps that a perfect network would give, and
`decode` makes labels from maps. Inside the head's domain the second undoes the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.connected_components import components
from ..core.errors import InputError
from ..core.float16 import as_float32
from ..core.options import Options
from .object_evidence import means

if TYPE_CHECKING:
    from torch import Tensor

Labels = NDArray[np.integer]
Maps = NDArray[np.floating]


class Head(Options):
    """What output channels mean.

    Attributes
    ----------
    domain : str
        The label images for which `decode(encode(labels))` gives the labels back, in words.
    tunable : tuple of str
        The fields by which users tune decoding, besides `threshold`.
    evidence_names : tuple of str
        What `evidence` says of an object, "probability" (of its foreground, on average) first.
    """

    domain: ClassVar[str]
    tunable: ClassVar[tuple[str, ...]] = ()
    evidence_names: ClassVar[tuple[str, ...]] = ("probability",)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of their ids from 1; none where there are only objects."""
        return ()

    @property
    def finds_objects(self) -> bool:
        """Whether decoding tells objects apart, even of one class."""
        return True

    @property
    def tuned_part(self) -> Head:
        """The head that tells objects apart, by numbers that users tune."""
        return self

    def channels(self, ndim: int) -> int:
        """Return the number of channels for images of `ndim` spatial axes."""
        raise NotImplementedError

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        """Return what each channel shows, in words."""
        raise NotImplementedError

    def in_domain(self, labels: Labels) -> bool:
        """Tell whether `decode(encode(labels))` gives these labels back (up to their ids)."""
        raise NotImplementedError

    def mended(self, labels: Labels) -> Labels:
        """Return labels that were mirrored or cropped, so that `encode` takes them.

        Both leave one id in several pieces, which are objects of their own from then on.
        """
        return components(labels)

    def encode(self, labels: Labels) -> NDArray[np.float32]:
        """Return the ideal maps, shape (C, *spatial), of labels, shape (*spatial)."""
        maps = np.empty((1, self.channels(labels.ndim), *labels.shape), np.float32)
        self.encode_all(labels[None], maps)
        first: NDArray[np.float32] = maps[0]
        return first

    def encode_all(self, labels: Labels, maps: NDArray[np.float32]) -> None:
        """Write the ideal maps, shape (B, C, *spatial), of several labels, shape (B, *spatial).

        A head defines this or `encode`, each of which does with the other.
        """
        for one, written in zip(labels, maps, strict=True):
            written[:] = self.encode(one)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss of a raw network output, both of shape (B, C, *spatial).

        Voxels whose target is NaN, in all channels, are those of unknown labels: they do not count.
        """
        raise NotImplementedError

    def activate(self, output: Tensor) -> Tensor:
        """Turn a raw network output, shape (B, C, *spatial), into maps of the same shape."""
        raise NotImplementedError

    def decode(self, maps: Maps) -> Labels:
        """Return labels, shape (*spatial), from maps, shape (C, *spatial)."""
        raise NotImplementedError

    def vectors(self, ndim: int) -> tuple[int, ...]:
        """Return the channels of a vector along each axis, which turn with the image, or ()."""
        return ()

    def foreground(self, maps: Maps) -> Maps:
        """Return the probability that a voxel is of an object; background is in front."""
        probability: Maps = 1 - maps[0]
        return probability

    def evidence(
        self, maps: Maps, labels: Labels, spread: Maps | None = None
    ) -> NDArray[np.float64]:
        """Return what maps say of each object, shape (objects, names): see `evidence_names`.

        Parameters
        ----------
        maps : ndarray, shape (C, *spatial)
        labels : ndarray of int, shape (*spatial)
            The objects on the grid of the maps, consecutive ids from 1.
        spread : ndarray, shape (*spatial), optional
            How much the foreground differs between turned copies of the image; taken off it.
        """
        foreground = self.foreground(maps) if spread is None else self.foreground(maps) - spread
        return means(labels, foreground, int(labels.max(initial=0)))[:, None]

    def check_maps(self, maps: Maps) -> None:
        """Refuse maps of another head.

        Raises
        ------
        InputError
            If the number of channels or of axes is not this head's.
        """
        ndim = maps.ndim - 1
        if ndim not in (2, 3) or maps.shape[0] != self.channels(ndim):
            wanted = f"{self.channels(2)} channels in 2D or {self.channels(3)} in 3D"
            raise InputError(f"Maps with {wanted} are needed", f"an array of shape {maps.shape}")

    def checked(self, maps: Maps) -> NDArray[np.float32]:
        """Return the maps as contiguous float32, without NaN (which count as 0).

        Raises
        ------
        InputError
            If the number of channels or of axes is not this head's.
        """
        self.check_maps(maps)
        clean = as_float32(maps)
        with np.errstate(over="ignore", invalid="ignore"):
            total = clean.sum()  # not finite if any is not, and needs no array as large
        return clean if np.isfinite(total) else np.nan_to_num(clean, posinf=0, neginf=0)
