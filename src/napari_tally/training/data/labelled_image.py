"""Images with their labels, checked: the input of a training or a plan."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.full_masks import FullMasks
from ...geometry.place import on_grid_of
from ...objects.binary_mask import pieces_of_mask, separated
from ...objects.relabel import whole_numbers
from ...segmentation.setup.model_input import check_intensities

if TYPE_CHECKING:
    from ...core.volume import Volume

logger = logging.getLogger("napari_tally")

_DEEP = 8  # slices from which images count as stacks


@dataclass(frozen=True, eq=False)
class Labelled:
    """An image with its labels.

    Attributes
    ----------
    name : str
        Unique in a training.
    image, labels : Volume
        Of the same spatial shape; the labels are ids of objects or of classes.
    classes : Volume, optional
        Class ids beside ids of objects.
    known : ndarray of bool, optional
        The annotated region; None for everywhere.
    group : str
        Its group: a split keeps images of a group together.
    full : FullMasks
        The full masks of objects of a 2D image of which others cover a part.
    """

    name: str
    image: Volume
    labels: Volume
    classes: Volume | None = None
    known: NDArray[np.bool_] | None = None
    group: str = ""
    full: FullMasks = field(default_factory=FullMasks)

    def checked(self, *, separate: bool = False, resample: bool = False) -> Labelled:
        """Return the pair with integer labels on the grid of the image, without axes of length 1.

        Parameters
        ----------
        separate : bool
            Split labels that are a binary mask into connected components.
        resample : bool
            Resample labels on another grid.

        Raises
        ------
        InputError
            If the image is a mask, or the labels do not fit it.
        """
        check_intensities(self.image)
        image = self.image.squeezed("TZ")
        labels = fitting(
            self.labels, self.image, f"The labels of {self.name} have", resample=resample
        )
        if separate and pieces_of_mask(labels):
            labels = separated(labels)
        classes = self.classes and fitting(
            self.classes, self.image, f"The classes of {self.name} have", resample=resample
        )
        return replace(self, image=image, labels=labels, classes=classes, known=self._mask(image))

    def _mask(self, image: Volume) -> NDArray[np.bool_] | None:
        if self.known is None:
            return None
        if self.known.size != np.prod(_grid(image)):
            raise InputError(
                f"The mask of {self.name} has shape {self.known.shape} but the image {_grid(image)}"
            )
        return np.asarray(self.known, bool).reshape(_grid(image))

    def frames(self) -> list[Labelled]:
        """Return the frames of a series."""
        if "T" not in self.image.axes:
            return [self]
        count = self.image.shape[self.image.axes.index("T")]
        return [self._at("T", t, f"{self.name}_t{t:03}") for t in range(count)]

    def slices(self) -> list[Labelled]:
        """Return the annotated slices of a stack."""
        if "Z" not in self.image.axes:
            return [self]
        count = self.image.shape[self.image.axes.index("Z")]
        found = (self._at("Z", z, f"{self.name}_z{z:03}") for z in range(count))
        return [s for s in found if s.known is None or s.known.any()]

    def _at(self, axis: str, index: int, name: str) -> Labelled:
        place = self.labels.axes.index(axis)
        return replace(
            self,
            name=name,
            image=replace(self.image.at(axis, index), name=name),
            labels=self.labels.at(axis, index),
            classes=None if self.classes is None else self.classes.at(axis, index),
            known=None if self.known is None else np.take(self.known, index, place),
            group=self.group or self.name,
        )


def annotated(mask: Volume, image: Volume, *, resample: bool = False) -> NDArray[np.bool_]:
    """Return the annotated region, where a mask is not 0, on the grid of the image.

    Raises
    ------
    InputError
        If the mask does not fit.
    """
    mask = replace(mask, array=np.asarray(mask.array) > 0)
    found = fitting(mask, image, f"The mask of {image.name} has", resample=resample)
    return np.asarray(found.array) > 0


def fitting(volume: Volume, image: Volume, what: str, *, resample: bool = False) -> Volume:
    """Return labels with integer ids on the grid of an image, without axes of length 1.

    Raises
    ------
    InputError
        If they do not fit; `what` begins the message: "The labels of a have".
    """
    volume, image = volume.squeezed("T"), image.squeezed("T")
    if volume.spatial_axes != image.spatial_axes or "T" in volume.axes:
        volume, image = volume.squeezed("Z"), image.squeezed("Z")
    different = InputError(f"{what} shape {volume.shape} but the image {_grid(image)}")
    unplaced = volume.affine is None or image.affine is None
    if volume.axes != image.axes.replace("C", "") or (unplaced and volume.shape != _grid(image)):
        raise different
    placed, note = on_grid_of(volume, image, resample=resample, labels=True)
    if placed.shape != _grid(image):  # of another number of frames
        raise different
    if note:
        logger.warning("%s.", note)
    placed = placed.squeezed("Z")
    array = np.asarray(placed.array)
    array = array.view(np.uint8) if array.dtype == bool else whole_numbers(array, volume.name)
    return replace(placed, array=array, is_labels=True)


def _grid(image: Volume) -> tuple[int, ...]:
    """Return the shape of an image without its channels."""
    return tuple(n for n, axis in zip(image.shape, image.axes, strict=True) if axis != "C")


def check_all(
    pairs: Sequence[Labelled], *, separate: bool = False, resample: bool = False
) -> list[Labelled]:
    """Return the frames of all images, checked one by one (see `checked`) and for consistency.

    Raises
    ------
    InputError
        If there are no images, nothing is labelled, or the numbers of channels differ.
    """
    checked = (pair.checked(separate=separate, resample=resample) for pair in pairs)
    found = [frame for pair in checked for frame in pair.frames()]
    if not found:
        raise InputError("There are no labelled images to train on")
    if not any(np.any(pair.labels.array) for pair in found):
        raise InputError("The labels are empty: there is nothing to train on")
    _check_channels(found)
    return found


def _check_channels(pairs: Sequence[Labelled]) -> None:
    counts = Counter(max(1, len(pair.image.channels)) for pair in pairs)
    if len(counts) == 1:
        return
    usual = counts.most_common(1)[0][0]
    odd = next(p for p in pairs if max(1, len(p.image.channels)) != usual)
    found = " and ".join(f"{n} of {c}" for c, n in counts.most_common())
    raise InputError(
        f"Images differ in their number of channels: {found} ({odd.name})",
        hint="Choose one with --channel",
    )


def axes_of(pairs: Sequence[Labelled]) -> Literal[2, 3]:
    """Return the spatial axes of the network's input.

    Stacks with only some annotated slices are split into slices: their objects continue in slices
    without annotation.
    """
    if any(_by_slices(pair) for pair in pairs):
        return 2
    depths = [p.image.shape[p.image.axes.index("Z")] if "Z" in p.image.axes else 1 for p in pairs]
    return 3 if min(depths) >= _DEEP else 2


def _by_slices(pair: Labelled) -> bool:
    """Return whether some slices of a stack are annotated completely, and the others not at all."""
    if pair.known is None or "Z" not in pair.labels.axes:
        return False
    known = np.moveaxis(pair.known, pair.labels.axes.index("Z"), 0).reshape(len(pair.known), -1)
    return bool((known.all(1) | ~known.any(1)).all() and not known.all())


def in_planes(pairs: Sequence[Labelled], ndim: int) -> list[Labelled]:
    """Return the images with that many spatial axes: slices of stacks, or stacks.

    Raises
    ------
    InputError
        If a stack is needed and an image has no Z axis.
    """
    if ndim == 2:
        found = [part for pair in pairs for part in pair.slices()]
        return [p for p in found if p.known is None or p.known.any()]
    flat = [pair.name for pair in pairs if "Z" not in pair.image.axes]
    if flat:
        raise InputError(
            f"{flat[0]} has no Z axis, which a 3D network needs",
            hint="Train a 2D network, or use stacks only",
        )
    return list(pairs)
