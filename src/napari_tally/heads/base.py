"""The interface of a head: the meaning of a network's output channels.

`encode` converts labels to the maps of a perfect network, `decode` converts maps to labels; within
the head's domain, `decode` inverts `encode`. A new head is a class in its own file and a line in
`heads/__init__.py`.
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
from .validation_score import Score, average_precision

if TYPE_CHECKING:
    from torch import Tensor

    from .validation_score import LabelImages

Labels = NDArray[np.integer]
Maps = NDArray[np.floating]
Kind = Literal["instances", "classes", "panoptic"]
CERTAIN = 65_535  # a probability of 1, as 16-bit certainty


@dataclass(frozen=True, eq=False)
class MapParts:
    """Prediction maps, split by purpose; None if the head has no such channels.

    Attributes
    ----------
    objects : ndarray, shape (C, *spatial), optional
        Maps to decode objects from.
    classes : ndarray, shape (C, *spatial), optional
        Maps to decode the class of each voxel from.
    spread : ndarray, shape (*spatial), optional
        Standard deviation of the foreground over the copies of test-time augmentation.
    """

    objects: Maps | None = None
    classes: Maps | None = None
    spread: Maps | None = None


@dataclass(frozen=True)
class LabelClasses:
    """The classes of a training set, for planning a head.

    Attributes
    ----------
    names : tuple of str
        Names in the order of the ids, from 1.
    weights : tuple of float
        Weights in the loss, the background first; all equal if empty.
    stuff : tuple of bool
        Whether each class is stuff: a region that is not counted.
    """

    names: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    stuff: tuple[bool, ...] = ()


class Head(Options):
    """The meaning of output channels.

    The first channel of the maps is the probability of the background.

    Attributes
    ----------
    kind : str
        "instances", "classes" or (both) "panoptic".
    domain : str
        In words: the label images that `decode(encode(labels))` restores.
    tunable : tuple of str
        Fields that are post-processing parameters, other than `threshold`.
    evidence_names : tuple of str
        The columns of `evidence`, "probability" (mean foreground of an object) first.
    joins_views : bool
        Whether vectors predicted in a plane equal, along each axis, those in 3D, so that maps of
        three orthogonal views can be merged.
    knows_consistency : bool
        Whether it has `consistent_share`, by which the object size of an image is estimated.
    has_maps : bool
        Whether there are prediction maps; a head without any cannot be trained.
    overlaps : bool
        Whether a voxel can have several classes: `class_codes` are then their bits, and there is
        `masks`.
    is_trainable : bool
        Whether networks can be trained for it.
    resamples_maps : bool
        Whether class maps, not decoded classes, are resampled to the grid of the image.
    """

    kind: ClassVar[Kind] = "instances"
    domain: ClassVar[str]
    tunable: ClassVar[tuple[str, ...]] = ()
    evidence_names: ClassVar[tuple[str, ...]] = ("probability",)
    joins_views: ClassVar[bool] = False
    knows_consistency: ClassVar[bool] = False
    has_maps: ClassVar[bool] = True
    overlaps: ClassVar[bool] = False
    is_trainable: ClassVar[bool] = True
    resamples_maps: ClassVar[bool] = False

    name: str

    @classmethod
    def planned(cls, classes: LabelClasses, objects: Head) -> Head:
        """Return the head for a training set; `objects` is the head chosen to separate objects."""
        return objects

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their ids, from 1; empty if there are only objects."""
        return ()

    @property
    def class_kinds(self) -> tuple[str, ...]:
        """ "stuff" or "thing" for each class of a panoptic head; else ()."""
        return ()

    @property
    def finds_objects(self) -> bool:
        """Whether decoding separates touching objects of one class."""
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
            If the head has no such parameter, or does not accept its value.
        """
        known = self.parameters
        for name, value in parameters.items():
            if name not in known:
                choices = f"Choose from {', '.join(known)}" if known else "It has none"
                raise InputError(
                    f"The head {self.object_head.name} has no parameter {name!r}", hint=choices
                )
            try:
                type(self).model_validate(self.model_dump() | {name: value})
            except ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise InputError(f"{name} cannot be {value}: {reason}") from None
        return self.model_copy(update=parameters)

    def split_maps(self, maps: Maps, ndim: int) -> MapParts:
        """Split prediction maps, shape (C, ..., *spatial), by purpose.

        Parameters
        ----------
        ndim : int
            Number of spatial axes of the network: 2 for a stack of slices, too.
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
        """Return whether `decode(encode(labels))` restores these labels (up to their ids)."""
        raise NotImplementedError

    def repaired(self, labels: Labels) -> Labels:
        """Return labels of a patch that `encode` accepts.

        Cropping can split an object into several connected components, which get new ids.
        """
        return components(labels)

    def prepare_labels(
        self, labels: Labels, classes: Labels | None, class_ids: tuple[int, ...], name: str
    ) -> Labels:
        """Convert the labels of a training image to those that `encode` accepts.

        Parameters
        ----------
        labels, classes : ndarray of int, shape (*spatial)
            Ids of objects or of classes; class ids of the objects, if there are any.
        class_ids : tuple of int
            The ids of the head's classes in these images, in order.
        name : str
            Name of the image, for messages.
        """
        return relabel(labels)

    def object_ids(self, labels: Labels) -> Labels:
        """Return the object ids in decoded labels (class ids if the head has no objects)."""
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

        A head must define this or `encode`; each default calls the other.
        """
        for one, written in zip(labels, maps, strict=True):
            written[:] = self.encode(one)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss of a raw network output, both of shape (B, C, *spatial).

        Voxels whose target is NaN (in all channels) have unknown labels and are ignored.
        """
        raise NotImplementedError

    def activate(self, output: Tensor) -> Tensor:
        """Convert a raw network output, shape (B, C, *spatial), to maps of the same shape."""
        raise NotImplementedError

    def decode(self, maps: Maps) -> Labels:
        """Return labels, shape (*spatial), from maps, shape (C, *spatial)."""
        raise NotImplementedError

    def consistent_share(self, maps: Maps) -> float:
        """Return the share of the voxels in objects that are certain and fit their maps."""
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
            Consecutive ids from 1; None if the head has only classes.
        """
        return codes, None

    def masks(self, codes: Labels) -> list[NDArray[np.bool_]]:
        """Return the voxels of each class from codes, of a head whose classes overlap."""
        raise NotImplementedError

    def certainty(self, maps: Maps, spread: Maps | None = None) -> NDArray[np.uint16]:
        """Return the probability of each voxel's class from class maps, scaled to 0..65,535.

        It has 16 bits to save memory in large images. The spread of test-time augmentation is
        subtracted.
        """
        raise NotImplementedError

    @property
    def merges_views(self) -> bool:
        """Whether maps of three orthogonal views can be merged to maps in 3D."""
        return self.joins_views or self.channels(2) == self.channels(3)

    def vectors(self, ndim: int) -> tuple[int, ...]:
        """Return the channels of a vector along each axis, which rotates with the image, or ()."""
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
            Standard deviation of the foreground in test-time augmentation, which is subtracted.
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
        """Return the maps as contiguous float32, with NaN replaced by 0.

        Raises
        ------
        InputError
            If the number of channels or of axes is not this head's.
        """
        self.check_maps(maps)
        clean = as_float32(maps)
        with np.errstate(over="ignore", invalid="ignore"):
            total = clean.sum()  # not finite if any value is not; needs no temporary array
        return clean if np.isfinite(total) else np.nan_to_num(clean, posinf=0, neginf=0)


def spread_of(maps: Maps, channels: int) -> Maps | None:
    """Return the channel that test-time augmentation adds after those of the head."""
    return maps[channels] if len(maps) > channels else None


HEADS: Registry[Head] = Registry("head")  # filled in `heads/__init__.py`
