"""The contract of a head: what the channels of a network mean.

A head is a pair: `encode` makes, from labels, the maps that a perfect network would give, and
`decode` makes labels from maps. Inside the head's domain the second undoes the first. A new head
is a class in a file of its own, and a line in `heads/__init__.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ..core.connected_components import components
from ..core.errors import InputError
from ..core.float16 import as_float32
from ..core.option_registry import Registry
from ..core.options import Options
from ..objects.relabel import relabel
from .object_evidence import means
from .score import Score, average_precision

if TYPE_CHECKING:
    from torch import Tensor

    from .score import LabelImages

Labels = NDArray[np.integer]
Maps = NDArray[np.floating]
Kind = Literal["instances", "classes", "panoptic"]
CERTAIN = 65_535  # the certainty that stands for a probability of 1


@dataclass(frozen=True, eq=False)
class MapParts:
    """What the channels of prediction maps are for; None where there are none.

    Attributes
    ----------
    objects : ndarray, shape (C, *spatial), optional
        From which objects are decoded.
    classes : ndarray, shape (C, *spatial), optional
        From which the class of each voxel is decoded.
    spread : ndarray, shape (*spatial), optional
        Standard deviation of the foreground over the copies of test-time augmentation.
    """

    objects: Maps | None = None
    classes: Maps | None = None
    spread: Maps | None = None


@dataclass(frozen=True)
class LabelClasses:
    """The classes of a training set, from which a head for them is planned.

    Attributes
    ----------
    names : tuple of str
        In the order of their ids from 1.
    weights : tuple of float
        Of each class in the loss, the background first; all equal if empty.
    stuff : tuple of bool
        Whether a class is a region that is not counted.
    """

    names: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    stuff: tuple[bool, ...] = ()


class Head(Options):
    """What output channels mean.

    The first channel of the maps is the probability of the background.

    Attributes
    ----------
    kind : str
        What it gives: "instances", "classes" or (both) "panoptic".
    domain : str
        The label images for which `decode(encode(labels))` gives the labels back, in words.
    tunable : tuple of str
        Fields that are post-processing parameters, besides `threshold`.
    evidence_names : tuple of str
        The columns of `evidence`, "probability" (mean foreground of an object) first.
    joins_views : bool
        Whether the vectors that it predicts in a plane are, along each axis, those in 3D, so that
        maps of three orthogonal views can be merged.
    resamples_maps : bool
        Whether maps of classes, not the decoded classes, are brought to the grid of the image.
    """

    kind: ClassVar[Kind] = "instances"
    domain: ClassVar[str]
    tunable: ClassVar[tuple[str, ...]] = ()
    evidence_names: ClassVar[tuple[str, ...]] = ("probability",)
    joins_views: ClassVar[bool] = False
    resamples_maps: ClassVar[bool] = False

    name: str

    @classmethod
    def planned(cls, classes: LabelClasses, objects: Head) -> Head:
        """Return the head for a training set; `objects` is the one chosen to separate objects."""
        return objects

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of their ids from 1; none where there are only objects."""
        return ()

    @property
    def class_kinds(self) -> tuple[str, ...]:
        """ "stuff" or "thing" for each class, where the head knows both; else ()."""
        return ()

    @property
    def finds_objects(self) -> bool:
        """Whether decoding separates objects, even of one class."""
        return self.kind != "classes"

    @property
    def object_head(self) -> Head:
        """The head that decodes objects, whose parameters users tune."""
        return self

    @property
    def parameters(self) -> dict[str, float]:
        """The post-processing parameters that users tune, with their values; threshold first."""
        head = self.object_head
        names = dict.fromkeys(("threshold", *head.tunable))
        return {name: getattr(head, name) for name in names if name in type(head).model_fields}

    def tuned(self, **parameters: float) -> Self:
        """Return the head with other post-processing parameters.

        Raises
        ------
        InputError
            If it has no such parameter, or cannot take its value.
        """
        known = self.parameters
        for name, value in parameters.items():
            if name not in known:
                takes = f"Choose from {', '.join(known)}" if known else "It has none"
                raise InputError(
                    f"The head {self.object_head.name} has no parameter {name!r}", hint=takes
                )
            try:
                type(self).model_validate(self.model_dump() | {name: value})
            except ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise InputError(f"{name} cannot be {value}: {reason}") from None
        return self.model_copy(update=parameters)

    def split_maps(self, maps: Maps, ndim: int) -> MapParts:
        """Return the parts of prediction maps, shape (C, ..., *spatial).

        Parameters
        ----------
        ndim : int
            Number of axes of the images that the network took: 2 also for stacked slices.
        """
        channels = self.channels(ndim)
        return MapParts(objects=maps[:channels], spread=spread_of(maps, channels))

    def channels(self, ndim: int) -> int:
        """Return the number of channels for images of `ndim` spatial axes."""
        raise NotImplementedError

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        """Return what each channel shows, in words."""
        raise NotImplementedError

    def in_domain(self, labels: Labels) -> bool:
        """Return whether `decode(encode(labels))` gives these labels back (up to their ids)."""
        raise NotImplementedError

    def repaired(self, labels: Labels) -> Labels:
        """Return labels of a patch, so that `encode` takes them.

        Cropping leaves one id in several connected components, which become objects of their own.
        """
        return components(labels)

    def prepare_labels(
        self, labels: Labels, classes: Labels | None, class_ids: tuple[int, ...], name: str
    ) -> Labels:
        """Return the labels of a training image as `encode` takes them.

        Parameters
        ----------
        labels, classes : ndarray of int, shape (*spatial)
            Ids of objects or of classes; class ids beside ids of objects, if there are any.
        class_ids : tuple of int
            The ids in these images of the head's classes, in their order.
        name : str
            Of the image, for messages.
        """
        return relabel(labels)

    def object_ids(self, labels: Labels) -> Labels:
        """Return ids of objects (of classes if the head has no objects) from decoded labels."""
        return labels

    def score(self, found: LabelImages, ground_truth: LabelImages) -> Score:
        """Score decoded labels of images against their ground truth."""
        return average_precision(found, ground_truth)

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

    def class_codes(self, maps: Maps) -> Labels:
        """Decode class maps, shape (C, *spatial), voxel by voxel, to codes for `classes_of`."""
        raise NotImplementedError

    def classes_of(
        self, codes: Labels, objects: Labels | None
    ) -> tuple[Labels, NDArray[np.float64] | None]:
        """Return class ids, shape (*spatial), and the class confidence of each object, if known.

        Parameters
        ----------
        codes : ndarray of int, shape (*spatial)
            See `class_codes`.
        objects : ndarray of int, shape (*spatial), optional
            Consecutive ids from 1; None where the head finds classes alone.
        """
        return codes, None

    def certainty(self, maps: Maps, spread: Maps | None = None) -> NDArray[np.uint16]:
        """Return the probability of each voxel's class from class maps, 65,535 for 1.

        In 16 bits, since it is made for whole images. The spread of test-time augmentation is
        subtracted from it.
        """
        raise NotImplementedError

    @property
    def merges_views(self) -> bool:
        """Whether maps of three orthogonal views can be merged to maps in 3D."""
        return self.joins_views or self.channels(2) == self.channels(3)

    def vectors(self, ndim: int) -> tuple[int, ...]:
        """Return the channels of a vector along each axis, which rotate with the image, or ()."""
        return ()

    def foreground(self, maps: Maps) -> Maps:
        """Return the probability that a voxel belongs to an object."""
        probability: Maps = 1 - maps[0]
        return probability

    def evidence(
        self, maps: Maps, labels: Labels, spread: Maps | None = None
    ) -> NDArray[np.float64]:
        """Return the evidence for each object, shape (objects, names): see `evidence_names`.

        Parameters
        ----------
        maps : ndarray, shape (C, *spatial)
        labels : ndarray of int, shape (*spatial)
            The objects on the grid of the maps, consecutive ids from 1.
        spread : ndarray, shape (*spatial), optional
            Standard deviation of the foreground in test-time augmentation; subtracted from it.
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
            raise InputError(
                f"The head {self.name} takes maps of {self.channels(2)} channels in 2D or "
                f"{self.channels(3)} in 3D, not of shape {maps.shape}"
            )

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


def spread_of(maps: Maps, channels: int) -> Maps | None:
    """Return the channel after those of the head, which test-time augmentation adds."""
    return maps[channels] if len(maps) > channels else None


HEADS: Registry[Head] = Registry("head")  # filled in `heads/__init__.py`
