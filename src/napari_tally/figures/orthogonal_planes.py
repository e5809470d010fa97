"""Pictures for reports: the 2D image, or orthogonal planes through the largest object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.orientation import reoriented, turn_to
from .overlay import overlay

if TYPE_CHECKING:
    from ..core.volume import Volume

LONGEST = {2: 900, 3: 420}  # side of a picture, px
# Seen from the feet and from the front, head up: the patient's left is on the right.
_RADIOLOGICAL = "LPI"
_BODY = ("Axial", "Coronal", "Sagittal")
_SIDES = ("patient's left on the right", "patient's left on the right", "back on the right")


@dataclass(frozen=True, slots=True)
class Plane:
    """A picture with outlines of its objects.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (Y, X, 3)
        The picture, with square pixels.
    places : dict
        Position (x, y) for the number of each object, by id.
    caption : str
        Name of the plane.
    """

    pixels: NDArray[np.uint8]
    places: dict[int, tuple[float, float]]
    caption: str


def planes(labels: Volume, images: Sequence[Volume]) -> Iterator[Plane]:
    """Yield the picture of a 2D image, or three of a stack; in a series, of the first frame.

    Parameters
    ----------
    labels : Volume
        One id per object.
    images : sequence of Volume
        Images on the same grid. The first channel of the first one is shown, or RGB as grey.
        Without images, objects are black on white.
    """
    frame = ""
    if "T" in labels.axes:
        labels, images = labels.at("T", 0), [image.at("T", 0) for image in images]
        frame = "first frame"
    grey, name = _grey(labels, images)
    spacing = labels.spacing or (1.0,) * len(labels.shape)
    if len(labels.shape) == 2:
        caption = ", ".join(filter(None, [name, frame])).capitalize()
        yield _plane(grey, np.asarray(labels.array), spacing, caption, LONGEST[2])
        return
    oriented, grey, names = _oriented(labels, grey)
    array = np.asarray(oriented.array)
    spacing = oriented.spacing or spacing
    for axis, index in enumerate(_largest(array)):
        cut = [np.take(a, index, axis) for a in (grey, array)]
        step = spacing[:axis] + spacing[axis + 1 :]
        yield _plane(
            cut[0],
            cut[1],
            step,
            ", ".join(filter(None, [names[axis](index), name, frame])),
            LONGEST[3],
        )


def _grey(labels: Volume, images: Sequence[Volume]) -> tuple[NDArray[Any], str]:
    """Return the grey image under the outlines, and its name."""
    if not images:
        return (np.asarray(labels.array) == 0).astype(np.uint8), "objects"
    image = images[0]
    channels = image.channels_first()
    if image.channel_names[:3] == ("red", "green", "blue"):
        return channels[:3].mean(axis=0), "colours as grey"
    names = image.channels
    return channels[0], f"channel {names[0]}" if len(names) > 1 else ""


def _oriented(labels: Volume, grey: NDArray[Any]) -> tuple[Volume, NDArray[Any], list[Any]]:
    """Return a stack in radiological orientation, if known, and the names of its planes."""
    shape = labels.shape
    if labels.affine is None or labels.unit != "mm":
        return labels, grey, [lambda i, a=a: f"{a} {i}" for a in "ZYX"]
    turn = turn_to(labels.affine, _RADIOLOGICAL)

    def named(axis: int) -> Any:
        old = turn.order[axis]

        def name(index: int) -> str:
            index = shape[old] - 1 - index if turn.mirrored[axis] else index
            return f"{_BODY[axis]} ({'ZYX'[old]} {index}), {_SIDES[axis]}"

        return name

    shown = reoriented(replace(labels, array=np.asarray(labels.array)), _RADIOLOGICAL)
    return shown, turn(grey), [named(axis) for axis in range(3)]


def _largest(labels: NDArray[Any]) -> tuple[int, ...]:
    """Return for each axis the index of the plane with most of the largest object."""
    ids, counts = np.unique(labels[labels > 0], return_counts=True)
    if not len(ids):
        return tuple(n // 2 for n in labels.shape)
    where = np.nonzero(labels == ids[counts.argmax()])
    return tuple(int(np.bincount(along).argmax()) for along in where)


def _plane(
    image: NDArray[Any],
    labels: NDArray[Any],
    spacing: Sequence[float],
    caption: str,
    longest: int,
) -> Plane:
    """Draw a plane with square pixels, whatever the spacing."""
    size = np.multiply(labels.shape, spacing)
    height, width = (max(round(n), 1) for n in size / size.max() * longest)
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.intp)
        for new, old in zip((height, width), labels.shape, strict=True)
    )
    shown = labels[rows[:, None], columns]
    pixels = overlay(_resized(image, (height, width), rows, columns), shown, cased=True)
    return Plane(pixels, _places(shown), caption)


def _resized(
    image: NDArray[Any], shape: tuple[int, int], rows: NDArray[Any], columns: NDArray[Any]
) -> NDArray[Any]:
    """Resize an image: by nearest neighbour if enlarged, else with anti-aliasing."""
    if shape[0] >= image.shape[0] and shape[1] >= image.shape[1]:
        return np.asarray(image[rows[:, None], columns])
    from skimage.transform import resize

    values = np.nan_to_num(image.astype(np.float32), posinf=0, neginf=0)
    return np.asarray(resize(values, shape, order=1, anti_aliasing=True, preserve_range=True))


def _places(labels: NDArray[Any]) -> dict[int, tuple[float, float]]:
    """Return the innermost pixel of each object; its centroid may be outside."""
    from edt import edt
    from scipy.ndimage import maximum_position

    ids, number = np.unique(labels, return_inverse=True)  # SciPy adds 1 in the dtype of the ids
    number = number.reshape(labels.shape)
    wanted = np.flatnonzero(ids > 0)
    depth = edt(np.ascontiguousarray(labels), black_border=True)
    positions = maximum_position(depth, number, wanted)
    return {int(i): (float(x), float(y)) for i, (y, x) in zip(ids[wanted], positions, strict=True)}
