"""Collect the objects and classes of all planes, with unique ids in the volume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ..maps.decoded_objects import DecodedObjects
    from ..setup.run_setup import RunSetup


@dataclass(frozen=True, eq=False)
class DecodedVolume:
    """The decoded objects and classes of a volume.

    Attributes
    ----------
    labels : Volume
        Ids from 1, unique over all planes.
    classes : Volume, optional
        Class ids, from a model that has classes.
    regions : Volume, optional
        Classes as bits, where they overlap.
    evidence : ndarray, shape (objects, features)
        Row i is of object i + 1.
    class_confidence : ndarray, shape (objects,), optional
        Share of the voxels of each object that voted for its class.
    cut : int
        Number of objects larger than a block of the maps, which may be cut.
    """

    labels: Volume
    classes: Volume | None
    evidence: NDArray[np.float64]
    class_confidence: NDArray[np.float64] | None
    cut: int
    regions: Volume | None = None

    @property
    def count(self) -> int:
        """The number of objects."""
        return len(self.evidence)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on decoding, for the user."""
        cut = f"{self.cut:,} objects exceed a block of the prediction maps and may be cut off"
        return (cut,) if self.cut else ()


class Collector:
    """Collects the decoded objects, plane by plane, in a volume."""

    def __init__(self, setup: RunSetup) -> None:
        self.setup = setup
        shape, names = setup.planes.image.shape[1:], setup.head.class_names
        self.labels = np.broadcast_to(np.uint32(0), shape)  # takes no memory
        if setup.separates:
            self.labels = np.zeros(shape, np.uint32)
        few = len(names) <= np.iinfo(np.uint8).max
        self.classes = np.zeros(shape, np.uint8 if few else np.uint16) if names else None
        self.regions = np.zeros(shape, np.uint16) if setup.head.overlaps else None
        self.objects: list[DecodedObjects] = []
        self.count = 0

    def add(self, index: tuple[int, ...], found: DecodedObjects) -> None:
        """Add the objects of a plane, with new ids."""
        if self.classes is not None and found.classes is not None:
            self.classes[index] = found.classes
        if self.regions is not None and found.regions is not None:
            self.regions[index] = found.regions
        if len(found.evidence):
            # In place: labels of a volume may be too large to copy.
            at, own = self.labels[index], found.labels
            np.add(own, self.count, out=at, where=own > 0, casting="unsafe")
        self.count += len(found.evidence)
        nothing = np.zeros(0, np.uint8)  # the labels are in the volume now
        self.objects.append(replace(found, labels=nothing, classes=None, regions=None))

    def volume(self) -> DecodedVolume:
        """Return the collected volume."""
        found = self.objects
        confidences = [o.class_confidence for o in found if o.class_confidence is not None]
        small = self.count <= np.iinfo(np.uint16).max
        return DecodedVolume(
            labels=self._on_grid(self.labels.astype(np.uint16) if small else self.labels),
            classes=None if self.classes is None else self._on_grid(self.classes),
            evidence=np.concatenate([o.evidence for o in found]),
            class_confidence=np.concatenate(confidences) if confidences else None,
            regions=None if self.regions is None else self._on_grid(self.regions),
            cut=sum(o.cut for o in found),
        )

    def _on_grid(self, array: NDArray[np.integer]) -> Volume:
        """Return ids with the geometry of the image."""
        volume = self.setup.volume
        axes = volume.axes.replace("C", "")
        return replace(volume, array=array, axes=axes, channel_names=(), is_labels=True)
