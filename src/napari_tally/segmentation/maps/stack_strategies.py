"""Strategies to segment stacks with a 2D model, each an option with its behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PlainSerializer

from ...core.errors import InputError
from ...core.float16 import as_float32
from ...core.options import Options
from ...heads.base import MapParts
from ...objects.link_slices import link_slices
from ...objects.relabel import as_labels, remove_small
from .decoded_objects import DecodedObjects
from .three_views import view_steps

if TYPE_CHECKING:
    from ...core.progress import Steps
    from ...heads.base import Head
    from ...network.tiled_inference import Inference

Image = NDArray[np.float32]
Maps = NDArray[Any]
Labels = NDArray[np.integer]

_DEEP = 1.5  # minimum area to this power = minimum volume
_SPECK = 3  # minimum volume of a linked object, relative to the minimum area


class StackStrategy(Options):
    """How an image or stack is segmented; this one passes it to the network as it is.

    Attributes
    ----------
    joins : bool
        Whether a 2D model segments objects of the whole stack.
    cubes : bool
        Whether the stack is resampled to cubic voxels, with maps in 3D.
    by_block : bool
        Whether maps may be predicted and decoded block by block.
    """

    joins: ClassVar[bool] = False
    cubes: ClassVar[bool] = False
    by_block: ClassVar[bool] = True

    def check(self, head: Head, name: str) -> None:
        """Refuse a model that does not fit the strategy."""

    def map_steps(self, image: Image, inference: Inference, head: Head) -> Steps[Maps]:
        """Run tiled inference on an image, shape (C, *spatial), and return its maps."""
        return (yield from inference.steps(image))

    def decode(self, maps: Maps, head: Head, min_size: int) -> Labels:
        """Decode object maps, shape (C, *spatial); remove objects below the minimum size."""
        return remove_small(head.decode(maps), min_size)

    def evidence(self, parts: MapParts, head: Head, labels: Labels) -> NDArray[np.float64]:
        """Return the evidence for each of these objects, shape (objects, features)."""
        assert parts.objects is not None
        return head.evidence(parts.objects, labels, parts.spread)

    def decode_objects(self, parts: MapParts, head: Head, min_size: int) -> DecodedObjects:
        """Decode maps to objects above the minimum size, with the evidence for each."""
        maps, spread = parts.objects, parts.spread
        assert maps is not None
        if self.by_block:  # converted once: both steps need it
            maps = as_float32(maps)
            spread = None if spread is None else as_float32(spread)
        labels = self.decode(maps, head, min_size)
        return DecodedObjects(labels, self.evidence(MapParts(maps, None, spread), head, labels))


class Slices(StackStrategy):
    """Segment each slice separately, without linking."""

    name: Literal["slices"] = "slices"


class Link(StackStrategy):
    """Segment slice by slice, then link objects that overlap in neighbouring slices.

    Attributes
    ----------
    least_overlap, gap, waist
        See `objects.link_slices.link_slices`.
    """

    joins: ClassVar[bool] = True
    by_block: ClassVar[bool] = False

    name: Literal["link"] = "link"
    least_overlap: float = Field(0.3, gt=0, le=1)
    gap: int = Field(1, ge=0, le=10)
    waist: float = Field(0.75, ge=0, le=1)

    def check(self, head: Head, name: str) -> None:
        _check_objects(head, name, self.name)

    def map_steps(self, image: Image, inference: Inference, head: Head) -> Steps[Maps]:
        return (yield from inference.slices_steps(image))

    def decode(self, maps: Maps, head: Head, min_size: int) -> Labels:
        slices = [
            super(Link, self).decode(maps[:, z], head, min_size) for z in range(maps.shape[1])
        ]
        linked = link_slices(np.stack(slices), self.least_overlap, self.gap, self.waist)
        return remove_small(linked, _SPECK * min_size)

    def evidence(self, parts: MapParts, head: Head, labels: Labels) -> NDArray[np.float64]:
        """Return the mean evidence over the voxels of an object, slice by slice."""
        maps, spread = parts.objects, parts.spread
        assert maps is not None
        sums = np.zeros((int(labels.max(initial=0)), len(head.evidence_names)))
        total = np.zeros((len(sums), 1))
        for z, plane in enumerate(labels):
            own, ids = as_labels(plane)
            size = np.bincount(own.ravel(), minlength=len(ids) + 1)[1:, None]
            here = MapParts(maps[:, z], None, None if spread is None else spread[z])
            sums[ids - 1] += size * super().evidence(here, head, own)
            total[ids - 1] += size
        return sums / np.maximum(total, 1)


class Views(StackStrategy):
    """Predict the slices along all three axes, merge their maps in 3D, decode once."""

    joins: ClassVar[bool] = True
    cubes: ClassVar[bool] = True
    by_block: ClassVar[bool] = False

    name: Literal["views"] = "views"

    def check(self, head: Head, name: str) -> None:
        _check_objects(head, name, self.name)
        if not head.has_maps:
            raise InputError(
                f"{name} returns masks or boxes of slices, which cannot be merged over views",
                hint="Use --stack link",
            )
        if not head.merges_views:
            raise InputError(
                f"{name} has other prediction maps in 2D than in 3D: views cannot be merged",
                hint="Use --stack link",
            )

    def map_steps(self, image: Image, inference: Inference, head: Head) -> Steps[Maps]:
        vectors = head.vectors(3) if head.joins_views else ()
        return (yield from view_steps(image, inference, vectors))

    def decode(self, maps: Maps, head: Head, min_size: int) -> Labels:
        return super().decode(maps, head, int(min_size**_DEEP))


class Auto(Options):
    """The most accurate one: orthogonal views, or linked slices for coarse stacks."""

    name: Literal["auto"] = "auto"


def _check_objects(head: Head, name: str, strategy: str) -> None:
    if not head.finds_objects:
        raise InputError(
            f"{name} predicts classes, but --stack {strategy} is for models that separate objects",
            hint="Use --stack slices",
        )


def _from_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _to_name(value: Any) -> Any:
    return value.name if value == type(value)() else value.model_dump()


AnyStack = Annotated[
    Annotated[Auto | Slices | Link | Views, Field(discriminator="name")],
    BeforeValidator(_from_name),
    PlainSerializer(_to_name),
]
