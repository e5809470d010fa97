"""Simulated panoptic scenes with ground truth: lesions in an organ, cells on tissue."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.ndimage import gaussian_filter

from ..core.errors import InputError
from ..core.options import Options
from .object_placement import Ellipsoid, Floats, Labels, Placement, ground_truth

Kind = Literal["stuff", "thing"]

_TRIES = 30  # places tried for a thing
_INSIDE = 0.9  # minimum share of a thing that must be on stuff
_EDGE = 0.8  # voxels: blur of the image
_DARK, _STUFF = 0.15, 0.5  # brightness of background and stuff


class MixedScene(Options):
    """An image of stuff with things on it, with object and class ids.

    Attributes
    ----------
    shape : tuple of int
        Voxels along (Y, X) or (Z, Y, X), at least 24 along each.
    diameter : float
        Mean diameter of the things, in voxels.
    count : int
        Approximate number of things; fewer if the image is full.
    noise : float
        Standard deviation of the noise; the stuff has a brightness of 0.5.
    seed : int
        The same seed draws the same scene.

    Raises
    ------
    pydantic.ValidationError
        If the shape is too small, or the things are too large for it.
    """

    classes: ClassVar[tuple[tuple[str, Kind], ...]]

    shape: tuple[int, ...] = (192, 192)
    diameter: float = Field(14.0, ge=4)
    count: int = Field(24, ge=0, le=100_000)
    noise: float = Field(0.05, ge=0, le=1)
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _fitting(self) -> MixedScene:
        if len(self.shape) not in (2, 3) or min(self.shape) < 24:
            raise InputError(f"Shape must be 2 or 3 numbers of at least 24, not {self.shape}")
        if self.diameter > min(self.shape) / 2:
            raise InputError(
                f"Diameter must be at most {min(self.shape) / 2:g} voxels, not {self.diameter:g}"
            )
        return self

    def draw(self) -> tuple[Floats, Labels, NDArray[np.uint8]]:
        """Return (image, objects, classes), all of `shape`.

        Returns
        -------
        image : ndarray of float32
            About 0 to 1.
        objects : ndarray of uint16
            Consecutive ids of the things from 1, 0 elsewhere.
        classes : ndarray of uint8
            Ids from 1 in the order of `classes`, 0 for the background.
        """
        rng = np.random.default_rng(self.seed)
        stuff = self._stuff(rng)
        objects, kinds = self._things(stuff, rng)
        classes = np.where(objects > 0, kinds[objects], stuff).astype(np.uint8)
        light = np.where(stuff, _STUFF, _DARK).astype(np.float32)
        light *= 1 + 0.12 * _smooth(self.shape, 6, rng)
        glow = self._glow(kinds, rng).astype(np.float32)
        light = np.where(objects > 0, glow[objects], light)
        light = gaussian_filter(light, _EDGE) + self.noise * rng.standard_normal(self.shape)
        return light.astype(np.float32), objects, classes

    def _things(
        self, stuff: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[Labels, NDArray[np.uint8]]:
        """Return the objects on the stuff, and the class of each by its id."""
        placement = Placement.empty(self.shape, (1.0,) * len(self.shape))
        kinds = [0]
        for _ in range(round(self.count / max(float(stuff.mean()), 0.01))):
            kind, body = self._thing(rng)
            beside = bool(placement.placed) and rng.random() < 0.4
            if any(placement.add(body, beside, rng) for _ in range(_TRIES)):
                kinds.append(kind)
        placed = placement.labels
        size = np.bincount(placed.ravel(), minlength=len(kinds))
        on = np.bincount(placed[stuff], minlength=len(kinds)) >= _INSIDE * size
        on[0] = False
        kept = np.where(on[placed], placed, 0)
        objects = ground_truth(kept)
        number = np.zeros(int(objects.max(initial=0)) + 1, np.uint8)
        number[objects.ravel()] = np.array(kinds, np.uint8)[kept.ravel()] * (objects.ravel() > 0)
        return objects, number

    def _stuff(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        raise NotImplementedError

    def _thing(self, rng: np.random.Generator) -> tuple[int, Ellipsoid]:
        """Return the class of a new thing, and its body."""
        raise NotImplementedError

    def _glow(self, kinds: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[Any]:
        """Return the brightness of each thing by its id."""
        raise NotImplementedError


class LesionsInOrgan(MixedScene):
    """An organ, and lesions in it that are brighter or darker."""

    classes: ClassVar[tuple[tuple[str, Kind], ...]] = (("organ", "stuff"), ("lesion", "thing"))

    def _stuff(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        ndim = len(self.shape)
        organ = Ellipsoid.random(0.75 * min(self.shape), ndim, 1.2, rng)
        middle = np.array(self.shape).reshape(-1, *[1] * ndim) * rng.uniform(0.45, 0.55)
        inside: NDArray[np.bool_] = organ.depth(np.indices(self.shape) - middle) < 1
        return inside

    def _thing(self, rng: np.random.Generator) -> tuple[int, Ellipsoid]:
        size = self.diameter * rng.lognormal(0, 0.3)
        return 2, Ellipsoid.random(min(size, min(self.shape) / 2), len(self.shape), 1.3, rng)

    def _glow(self, kinds: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[Any]:
        return _STUFF + rng.choice([-0.25, 0.3], len(kinds)) * rng.uniform(0.7, 1.2, len(kinds))


class CellsOnTissue(MixedScene):
    """Tissue with round bright cells and long, darker ones."""

    classes: ClassVar[tuple[tuple[str, Kind], ...]] = (
        ("tissue", "stuff"), ("round cell", "thing"), ("long cell", "thing"),
    )  # fmt: skip

    def _stuff(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        tissue: NDArray[np.bool_] = _smooth(self.shape, min(self.shape) / 6, rng) > -0.4
        return tissue

    def _thing(self, rng: np.random.Generator) -> tuple[int, Ellipsoid]:
        size, ndim = self.diameter * rng.lognormal(0, 0.15), len(self.shape)
        long = rng.random() < 0.5
        return (3, Ellipsoid.random(size, ndim, 3.0, rng)) if long else (
            2, Ellipsoid.random(0.8 * size, ndim, 1.0, rng),
        )  # fmt: skip

    def _glow(self, kinds: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[Any]:
        return np.where(kinds == 2, 0.95, 0.75) * rng.uniform(0.9, 1.1, len(kinds))


def _smooth(shape: tuple[int, ...], width: float, rng: np.random.Generator) -> Floats:
    """Return smooth noise of mean 0 and standard deviation 1."""
    noise = gaussian_filter(rng.standard_normal(shape), width, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)
