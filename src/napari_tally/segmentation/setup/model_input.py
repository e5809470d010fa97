"""Select the channels of a volume for a model, plane by plane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...models.suggest import better_model
from .model_channels import Chosen, model_channels

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.bundle import Model


@dataclass(frozen=True)
class Planes:
    """The planes (or stacks) of a volume that a model segments one at a time.

    Attributes
    ----------
    image : ndarray
        The channels of the model, shape (C, *lead, *spatial).
    lead : str
        The axes along which planes are segmented one by one ("T", "Z", "TZ" or "").
    ndim : int
        Number of spatial axes of a plane (or stack).
    """

    image: NDArray[np.generic]
    lead: str
    ndim: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one plane (or stack)."""
        return self.image.shape[-self.ndim :]

    def indices(self) -> Iterator[tuple[int, ...]]:
        """Yield the index of each plane along the lead axes."""
        return iter(np.ndindex(*self.image.shape[1 : 1 + len(self.lead)]))

    def __len__(self) -> int:
        return int(np.prod(self.image.shape[1 : 1 + len(self.lead)]))

    def at(self, index: tuple[int, ...]) -> NDArray[np.generic]:
        """Return one plane, shape (C, *spatial)."""
        plane: NDArray[np.generic] = np.moveaxis(self.image, 0, len(self.lead))[index]
        return plane


def planes(
    volume: Volume, model: Model, channel: int | str | None, whole_stack: bool = False
) -> tuple[Planes, list[str]]:
    """Return the planes for the model, and notes for the user.

    With `whole_stack`, the slices of a stack stay together although the model is 2D.

    Raises
    ------
    InputError
        If the image is empty or a mask, or lacks channels or axes of the model.
    """
    check_intensities(volume)
    ndim = 3 if whole_stack else model.spatial_dims
    check_axes(volume, model.info.name, ndim)
    chosen = model_channels(volume, model, channel)
    image, lead = chosen.image, chosen.axes[: len(chosen.axes) - ndim]
    notes = [*_odd_values(chosen.distinct, volume.name), *chosen.notes]
    if note := model.info.preprocessing.normalizer.note(image, volume.name):
        notes.append(note)
    if note := better_model(volume, model.info.name):
        notes.append(note)
    notes += _other_colors(chosen, volume.name, model)
    if lead:
        each = " and ".join({"T": "frame", "Z": "slice"}[a] for a in lead)
        notes.append(
            f"{model.info.name} is a {model.spatial_dims}D model: each {each} of "
            f"{volume.name} is segmented separately, and objects are not linked"
        )
    return Planes(image, lead, ndim), notes


def check_axes(volume: Volume, name: str, ndim: int) -> None:
    """Refuse an image that has fewer spatial axes than the model of that name takes."""
    if ndim > len(volume.spatial_axes):
        raise InputError(
            f"{name} takes stacks (axes ZYX), but {volume.name} has the axes {volume.axes}",
            hint="Choose a 2D model, or correct the axes with --axes",
        )


def check_intensities(volume: Volume) -> None:
    """Refuse arrays that are not images of intensities."""
    kind = np.dtype(volume.array.dtype).kind
    if kind == "b":
        raise InputError(
            f"{volume.name} is a mask, not an image of intensities",
            hint="To split and measure the objects of a mask, use measure",
        )
    if kind not in "uif":
        raise InputError(f"{volume.name} has values of type {volume.array.dtype}, not real numbers")
    if 0 in volume.shape:
        raise InputError(f"{volume.name} is empty: its shape is {volume.shape}")


def _other_colors(chosen: Chosen, name: str, model: Model) -> list[str]:
    known = model.info.color_range
    if known is None:
        return []
    note = known.note(chosen.image, name, model.info.name)
    return [note] if note else []


def _odd_values(image: NDArray[np.generic], name: str) -> list[str]:
    if image.dtype.kind != "f":
        return []
    odd = int(image.size - np.isfinite(image).sum())
    return [f"{odd:,} voxels of {name} are NaN or infinite and become background"] if odd else []
