"""The colours of the RGB images that a model was trained on, to warn of images of another stain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..core.options import Options
from ..network.normalize import eight_bit_range

_NAMES = ("red", "green", "blue")
_MARGIN = 0.02
_PIXELS = 200_000


class ColorRange(Options):
    """The range, over the training images, of what `color_profile` returns.

    Attributes
    ----------
    low, high : tuple of 4 floats
        Shares of the absorbed light in red, green and blue, and the brightness.
    """

    low: tuple[float, float, float, float]
    high: tuple[float, float, float, float]

    @classmethod
    def of(cls, images: Iterable[NDArray[np.generic]]) -> Self:
        """Return the range of images, each of shape (3, Y, X), and a margin of 0.02."""
        profiles = np.array([color_profile(image) for image in images])
        low, high = profiles.min(0) - _MARGIN, profiles.max(0) + _MARGIN
        return cls(low=tuple(low.round(3).tolist()), high=tuple(high.round(3).tolist()))

    def note(self, image: NDArray[np.generic], name: str, model: str) -> str:
        """Return a warning about an image, shape (3, *spatial), of other colours, or ""."""
        found = color_profile(image)
        beyond = np.maximum(np.subtract(self.low, found), np.subtract(found, self.high))
        worst = int(beyond.argmax())
        if beyond[worst] <= 0:
            return ""
        value, low, high = (f"{100 * v[worst]:.0f}" for v in (found, self.low, self.high))
        what = (
            f"{_NAMES[worst]} has {value} % of the absorbed light"
            if worst < len(_NAMES)
            else f"its brightness is {value} %"
        )
        return (
            f"The colours of {name} are unlike those of the images that {model} was trained on "
            f"({what}, in training {low} to {high} %): another stain or kind of image gives "
            "results that mean little"
        )


def color_profile(image: NDArray[np.generic]) -> tuple[float, ...]:
    """Return how much of the absorbed light is red, green and blue, and the brightness.

    Shares are those of the mean optical density; the brightness is percentile 95 of the mean of the
    colours. All are from 0 to 1; the image has the shape (3, *spatial).
    """
    flat = image[:3].reshape(3, -1)
    step = max(1, flat.shape[1] // _PIXELS)
    low, high = eight_bit_range(image)
    values = np.nan_to_num(np.clip((flat[:, ::step].astype(np.float64) - low) / (high - low), 0, 1))
    density = -np.log((255 * values + 1) / 256).mean(1)
    shares = density / density.sum() if density.sum() else np.full(3, 1 / 3)
    return *map(float, shares), float(np.percentile(values.mean(0), 95))
