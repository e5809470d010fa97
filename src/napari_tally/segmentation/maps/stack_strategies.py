"""How a stack goes through a 2D model: each way is a small option with its behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PlainSerializer

from ...core.errors import InputError
from ...core.float16 import as_float32
from ...core.options import Options
from ...heads.center import Center
from ...objects.link import link_slices
from ...objects.relabel import as_labels, remove_small
from .decoded_objects import Found
from .three_views import view_steps

if TYPE_CHECKING:
    from ...core.progress import Steps
    from ...heads.base import Head
    from ...network.tiling import Inference

Image = NDArray[np.float32]
Maps = NDArray[Any]
Labels = NDArray[np.integer]

_DEEP = 1.5  # the least area of an object, to this power, is its least volume
_SPECK = 3  # times the least area that a linked object has to have in all


class Way(Options):
    """How an image, or a whole stack, becomes objects; as it is, the network takes it at once.

    Attributes
    ----------
    joins : bool
        Whether a 2D model gives objects of the whole stack.
    cubes : bool
        Whether the network sees the stack on a grid of cubes.
    by_block : bool
        Whether maps may be made and decoded block by block.
    """

    joins: ClassVar[bool] = False
    cubes: ClassVar[bool] = False
    by_block: ClassVar[bool] = True

    def check(self, head: Head, name: str) -> None:
        """Refuse a model whose maps cannot be taken this way."""

    def map_steps(self, image: Image, inference: Inference, head: Head) -> Steps[Maps]:
        """Lead the network over an image, shape (C, *spatial), and return its maps."""
        return (yield from inference.steps(image))

    def decode(self, maps: Maps, head: Head, least: int) -> Labels:
        """Return the objects of maps, shape (C, *spatial), without specks."""
        return remove_small(head.decode(parted(maps, head)[0]), least)

    def evidence(self, maps: Maps, head: Head, labels: Labels) -> NDArray[np.float64]:
        """Return what the maps say of each of these objects, shape (objects, features)."""
        maps, spread = parted(maps, head)
        return head.evidence(maps, labels, spread)

    def found(self, maps: Maps, head: Head, least: int) -> Found:
        """Return the objects of maps without specks, with what the maps say of each."""
        if self.by_block:
            maps = as_float32(maps)  # once: both ask for it
        labels = self.decode(maps, head, least)
        return Found(labels, self.evidence(maps, head, labels))


class Slices(Way):
    """Each slice by itself; nothing is linked."""

    name: Literal["slices"] = "slices"


class Link(Way):
    """Slice by slice; then objects that overlap in neighbouring slices become one.

    Attributes
    ----------
    least_overlap, gap, waist
        See `objects.link.link_slices`.
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

    def decode(self, maps: Maps, head: Head, least: int) -> Labels:
        slices = [super(Link, self).decode(maps[:, z], head, least) for z in range(maps.shape[1])]
        linked = link_slices(np.stack(slices), self.least_overlap, self.gap, self.waist)
        return remove_small(linked, _SPECK * least)

    def evidence(self, maps: Maps, head: Head, labels: Labels) -> NDArray[np.float64]:
        """Return the mean, over the voxels of an object, of what the maps of its slices say."""
        sums = np.zeros((int(labels.max(initial=0)), len(head.evidence_names)))
        total = np.zeros((len(sums), 1))
        for z, plane in enumerate(labels):
            own, ids = as_labels(plane)
            size = np.bincount(own.ravel(), minlength=len(ids) + 1)[1:, None]
            sums[ids - 1] += size * super().evidence(maps[:, z], head, own)
            total[ids - 1] += size
        return sums / np.maximum(total, 1)


class Views(Way):
    """The slices of all three directions; their maps become maps in 3D, decoded once."""

    joins: ClassVar[bool] = True
    cubes: ClassVar[bool] = True
    by_block: ClassVar[bool] = False

    name: Literal["views"] = "views"

    @staticmethod
    def take(head: Head) -> bool:
        """Tell whether maps of the three views can be put together."""
        return isinstance(head, Center) or head.channels(2) == head.channels(3)

    def check(self, head: Head, name: str) -> None:
        _check_objects(head, name, self.name)
        if not self.take(head):
            raise InputError(
                "Maps that mean the same in 2D and 3D are needed for three views",
                f"those of {name}",
                "Try --stack link",
            )

    def map_steps(self, image: Image, inference: Inference, head: Head) -> Steps[Maps]:
        return (yield from view_steps(image, inference, isinstance(head, Center)))

    def decode(self, maps: Maps, head: Head, least: int) -> Labels:
        return super().decode(maps, head, int(least**_DEEP))


def parted(maps: Maps, head: Head) -> tuple[Maps, Maps | None]:
    """Return the maps of the head, and the spread between copies if they come with it."""
    channels = head.channels(maps.ndim - 1)
    return maps[:channels], maps[channels] if len(maps) > channels else None


class Auto(Options):
    """What measures best: three views, or linked slices where a stack is too coarse for them."""

    name: Literal["auto"] = "auto"


def _check_objects(head: Head, name: str, way: str) -> None:
    if not head.finds_objects:
        raise InputError(
            f"A model that separates objects is needed for --stack {way}",
            f"{name}, which gives classes",
            "Try --stack slices",
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
