"""Declarations of measurements, shared by tables, forms, commands and docs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ...core.volume import SPATIAL

if TYPE_CHECKING:
    from .object_data import Objects

Columns = dict[str, NDArray[Any]]
AXIS = "{axis}"  # in a key: one column per axis


class Cost(StrEnum):
    """The cost of a group, in addition to one pass over the array."""

    PASS = "at once"
    SOME = "about as long as reading the image again"
    MUCH = "slow: object by object"


class Per(StrEnum):
    """How many columns a measurement has."""

    OBJECT = "object"
    CHANNEL = "channel"
    PAIR = "two channels"
    ORDERED_PAIR = "two channels, in either order"


@dataclass(frozen=True, slots=True)
class Feature:
    """One measurement.

    Attributes
    ----------
    key : str
        Start of the column's name; with `{axis}`, there is one column per axis.
    title : str
        Name for readers.
    definition : str
        Its definition, as in scikit-image's `regionprops`: a sentence or two.
    power : int
        Power of the unit of length: 1 for lengths, 2 for areas, -2 for numbers per area.
    unit : str
        Unit other than a power of the unit of length: "px", "deg".
    ndim : tuple of int
        Numbers of spatial axes for which it is defined.
    per : Per
        Whether it has a column per object, channel or pair of channels.
    source : str
        Source of the method.
    """

    key: str
    title: str
    definition: str
    power: int = 0
    unit: str = ""
    ndim: tuple[int, ...] = (2, 3)
    per: Per = Per.OBJECT
    source: str = ""

    def keys(self, ndim: int) -> list[str]:
        """Return the key, or one for each axis."""
        if AXIS not in self.key:
            return [self.key]
        return [self.key.replace(AXIS, axis) for axis in SPATIAL[-ndim:].lower()]

    def suffix(self, length: str) -> str:
        """Return the unit as the end of a column's name, for lengths in um, mm or px."""
        if self.unit:
            return f"_{self.unit}"
        if not self.power:
            return ""
        per = "per_" if self.power < 0 else ""
        return f"_{per}{length}{abs(self.power) if abs(self.power) > 1 else ''}"

    def endings(self, channels: Sequence[str]) -> list[str]:
        """Return the endings of its column names, given those of the channels."""
        if self.per is Per.OBJECT:
            return [""]
        if self.per is Per.CHANNEL:
            return list(channels)
        pairs = combinations if self.per is Per.PAIR else permutations
        return [a + b for a, b in pairs(channels, 2)]


@dataclass(frozen=True, slots=True)
class Group:
    """Measurements that are computed together.

    Attributes
    ----------
    name, title : str
        Its name in options and for readers.
    cost : Cost
        Its cost.
    features : tuple of Feature
        Its columns, in order.
    compute : callable
        Returns an array for each key of the features defined for the objects' number of axes:
        shape (n,), or (n, number of endings) for channels and pairs.
    independent : bool
        Whether the measurements of an object do not depend on other objects, so that after an
        edit only changed objects are measured again.
    """

    name: str
    title: str
    cost: Cost
    features: tuple[Feature, ...]
    compute: Callable[[Objects], Mapping[str, NDArray[Any]]]
    independent: bool = True

    def for_axes(self, ndim: int) -> tuple[Feature, ...]:
        """Return the features that are defined in 2D or in 3D."""
        return tuple(f for f in self.features if ndim in f.ndim)

    def columns(self, objects: Objects) -> Columns:
        """Measure objects, and add units and channels to the names of the columns."""
        declared = self.for_axes(objects.ndim)
        values = self.compute(objects) if declared else {}
        return dict(self._named(declared, values, objects))

    @staticmethod
    def _named(
        declared: Sequence[Feature], values: Mapping[str, NDArray[Any]], objects: Objects
    ) -> Iterator[tuple[str, NDArray[Any]]]:
        for feature in declared:
            unit = feature.suffix(objects.unit)
            for key in feature.keys(objects.ndim):
                array = values[key]
                if feature.per is Per.OBJECT:
                    yield key + unit, array
                    continue
                for i, ending in enumerate(feature.endings(objects.endings)):
                    yield key + unit + ending, array[:, i]
