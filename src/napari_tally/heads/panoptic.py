"""Panoptic head: objects, each with a class, and a class for every voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, model_validator

from ..core.connected_components import components
from ..core.errors import InputError
from ..core.options import Options
from ..objects.relabel import relabel
from .base import HEADS, Head, Kind, LabelClasses, Labels, MapParts, Maps, spread_of
from .center import Center
from .class_ids import numbered_classes
from .masked_losses import dice_ce_loss, known_part
from .validation_score import LabelImages, Score, panoptic_quality

if TYPE_CHECKING:
    from torch import Tensor


def _separates_objects(head: Head) -> Head:
    if head.kind != "instances":
        raise ValueError(f"the head {head.name} does not separate objects")
    return head


ObjectHead = Annotated[
    SerializeAsAny[Head], BeforeValidator(HEADS.validate), AfterValidator(_separates_objects)
]


class PanopticClass(Options):
    """A class of things (objects that are counted) or stuff (a region: tissue, an organ)."""

    name: str
    kind: Literal["stuff", "thing"]


class Panoptic(Head):
    """The maps of a head that separates objects, and the probability of each class.

    Each object gets the class of things with the most votes of its voxels. Elsewhere voxels get the
    most probable of background and stuff, so objects and classes agree voxel by voxel.
    After Kirillov et al., 2019, https://doi.org/10.1109/CVPR.2019.00963.

    The labels of `encode` and `decode` hold both: `merged(objects, classes)`.
    """

    kind: ClassVar[Kind] = "panoptic"
    domain: ClassVar[str] = (
        "Every object has one class of things and is in the domain of the object head; voxels of "
        "things are in objects, and those of stuff are not."
    )

    name: Literal["panoptic"] = "panoptic"
    classes: tuple[PanopticClass, ...] = Field(min_length=1, description="Without background")
    objects: ObjectHead = Center()

    @model_validator(mode="after")
    def _has_things(self) -> Panoptic:
        if not any(c.kind == "thing" for c in self.classes):
            raise ValueError("no class of things: use the head semantic if there is only stuff")
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.classes)

    @property
    def class_kinds(self) -> tuple[str, ...]:
        return tuple(c.kind for c in self.classes)

    @classmethod
    def planned(cls, classes: LabelClasses, objects: Head) -> Head:
        kinds = ("stuff" if stuff else "thing" for stuff in classes.stuff)
        pairs = zip(classes.names, kinds, strict=True)
        return cls(classes=tuple(PanopticClass(name=n, kind=k) for n, k in pairs), objects=objects)

    @property
    def object_head(self) -> Head:
        return self.objects

    def tuned(self, **parameters: float) -> Self:
        return self.model_copy(update={"objects": self.objects.tuned(**parameters)})

    def split_maps(self, maps: Maps, ndim: int) -> MapParts:
        first, channels = self.objects.channels(ndim), self.channels(ndim)
        return MapParts(maps[:first], maps[first:channels], spread_of(maps, channels))

    def ids(self, kind: Literal["stuff", "thing"]) -> tuple[int, ...]:
        """Return the ids (from 1) of the classes of a kind."""
        return tuple(i for i, c in enumerate(self.classes, start=1) if c.kind == kind)

    def merged(self, objects: Labels, classes: Labels) -> Labels:
        """Merge object ids and class ids to one label: `object * (classes + 1) + class`."""
        kinds = len(self.classes) + 1
        fits = (int(objects.max(initial=0)) + 1) * kinds <= np.iinfo(np.uint32).max
        both: Labels = objects.astype(np.uint32 if fits else np.uint64)
        both *= both.dtype.type(kinds)
        both += classes.astype(both.dtype)
        return both

    def split(self, labels: Labels) -> tuple[Labels, Labels]:
        """Split merged labels into object ids and class ids."""
        objects, classes = np.divmod(labels, len(self.classes) + 1)
        return objects, classes

    def channels(self, ndim: int) -> int:
        return self.objects.channels(ndim) + len(self.classes) + 1

    def channel_names(self, ndim: int) -> tuple[str, ...]:
        return (*self.objects.channel_names(ndim), "no class", *self.class_names)

    def in_domain(self, labels: Labels) -> bool:
        objects, classes = self.split(labels)
        things = np.isin(classes, self.ids("thing"))
        one_class_each = len(np.unique(objects[things])) == len(np.unique(labels[things]))
        agree = np.array_equal(things, objects > 0)
        return agree and one_class_each and self.objects.in_domain(objects)

    def repaired(self, labels: Labels) -> Labels:
        objects, classes = self.split(labels)
        return self.merged(components(np.where(objects > 0, labels, 0)), classes)

    def prepare_labels(
        self, labels: Labels, classes: Labels | None, class_ids: tuple[int, ...], name: str
    ) -> Labels:
        if classes is None:
            raise InputError(
                f"{name} has object ids but no class ids", hint="Add an image of class ids"
            )
        numbers = numbered_classes(classes, class_ids, name)
        things = np.isin(numbers, self.ids("thing"))
        return self.merged(relabel(np.where(things, labels, 0)), numbers)

    def object_ids(self, labels: Labels) -> Labels:
        return self.split(labels)[0]

    def score(self, found: LabelImages, ground_truth: LabelImages) -> Score:
        pairs = [(self.split(a), self.split(b)) for a, b in zip(found, ground_truth, strict=True)]
        return panoptic_quality(pairs, self.class_names)

    def encode_all(self, labels: Labels, maps: NDArray[np.float32]) -> None:
        objects, classes = self.split(labels)
        if int(classes.max(initial=0)) > len(self.classes) or int(labels.min(initial=0)) < 0:
            raise InputError(
                "The labels are not merged object and class ids of this head",
                hint="Merge them with `Panoptic.merged`",
            )
        first = maps.shape[1] - len(self.classes) - 1
        of_objects = np.empty((len(maps), first, *maps.shape[2:]), np.float32)
        self.objects.encode_all(objects, of_objects)
        maps[:, :first] = of_objects
        for number in range(len(self.classes) + 1):
            maps[:, first + number] = classes == number

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        first = output.shape[1] - len(self.classes) - 1
        objects = self.objects.loss(output[:, :first], target[:, :first])
        target, known = known_part(target)
        return objects + dice_ce_loss(output[:, first:], target[:, first:], known)

    def activate(self, output: Tensor) -> Tensor:
        import torch

        first = output.shape[1] - len(self.classes) - 1
        parts = self.objects.activate(output[:, :first]), output[:, first:].softmax(1)
        return torch.cat(parts, 1)

    def decode(self, maps: Maps) -> Labels:
        self.check_maps(maps)
        first = len(maps) - len(self.classes) - 1
        objects = self.objects.decode(maps[:first])
        return self.merged(objects, self.agreed(objects, *self.best(maps[first:]))[0])

    def class_codes(self, maps: Maps) -> Labels:
        """Return the best class of things and the best other class of each voxel, as one number."""
        things, others = self.best(maps)
        codes: Labels = things.astype(np.uint16) * np.uint16(len(self.classes) + 1) + others
        return codes

    def classes_of(
        self, codes: Labels, objects: Labels | None
    ) -> tuple[Labels, NDArray[np.float64] | None]:
        """Return the class of each voxel, and the share of votes for the class of each object."""
        assert objects is not None
        classes, share = self.agreed(objects, *np.divmod(codes, len(self.classes) + 1))
        return classes, share[1:]

    def vectors(self, ndim: int) -> tuple[int, ...]:
        return self.objects.vectors(ndim)

    def best(self, probability: Maps) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the best class of things of each voxel, and the best other class.

        `probability` has the class maps only, shape (classes + 1, *spatial).
        """
        things = _best(probability, self.ids("thing"))
        return things, _best(probability, (0, *self.ids("stuff")))

    def agreed(
        self, objects: Labels, things: NDArray[np.integer], others: NDArray[np.integer]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Return the class of each voxel, and (by id) the share of votes for each object's class.

        Parameters
        ----------
        objects : ndarray of int
            Ids of objects, 0 elsewhere.
        things, others : ndarray of int
            Classes from `best`.
        """
        kinds, count = len(self.classes) + 1, int(objects.max(initial=0)) + 1
        pair = objects.ravel().astype(np.int64) * kinds + things.ravel()
        votes = np.bincount(pair, minlength=count * kinds).reshape(count, kinds)
        elected = votes.argmax(1).astype(np.uint8)
        share = votes.max(1) / np.maximum(votes.sum(1), 1)
        return np.where(objects > 0, elected[objects], others).astype(np.uint8), share


def _best(probability: Maps, ids: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the most probable of some classes, the first in case of ties or NaN."""
    out = np.full(probability.shape[1:], ids[0], np.uint8)
    best = np.nan_to_num(probability[ids[0]])
    for number in ids[1:]:
        better = probability[number] > best
        out[better] = number
        best = np.where(better, probability[number], best)
    return out
