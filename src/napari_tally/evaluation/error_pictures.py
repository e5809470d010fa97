"""Pictures of prediction and ground truth, with outlines coloured by error type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..figures.overlay import outlines, stretched
from ..geometry.place import on_grid_of
from ..metrics.error_types import CODES, PREDICTED, TRUE, outcome_image
from .load_pair import read_pair

if TYPE_CHECKING:
    from ..core.volume import Volume
    from .load_pair import Compared
    from .options import EvaluateOptions
    from .scores import Scored

# In the order of codes; Okabe & Ito's colours for colour-blind readers.
COLOURS = {
    "found": "#56B4E9",
    "missed": "#D55E00",
    "false": "#F0E442",
    "merged": "#CC79A7",
    "split": "#009E73",
}
_PALETTE = np.array(
    [[0, 0, 0], *([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLOURS.values())]
)
_WIDEST = 640  # px: larger images are cut to a window
_WIDE = 600  # px: smaller images are enlarged to about this
_TINT = 0.4  # opacity of the tint
_DARK = 24  # grey level of the background without an image

Box = tuple[slice | int, ...]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Panels:
    """Pictures of ground truth and prediction, (Y, X, 3) each, and the region that they show."""

    ground_truth: Picture
    predicted: Picture
    part: str


def panels(scored: Scored, options: EvaluateOptions, image: Volume | None = None) -> Panels:
    """Draw the worst region of an image: a plane of a stack, a window into a large image.

    It contains the largest unmatched object, or most of the voxels of a wrong class.

    Raises
    ------
    TallyError
        If the files no longer exist.
    """
    both = read_pair(scored.pair, options)
    wrong = _wrong(both, scored)
    box = _box(wrong if wrong.any() else (both.ground_truth > 0) | (both.predicted > 0))
    grey = _background(image, both, resample=options.resample)
    ground = None if grey is None else grey[box]
    sides = _sides(both, scored, box)
    ground_truth, predicted = (
        _drawn(*side, ground, voxels=scored.objects is None) for side in sides
    )
    return Panels(ground_truth, predicted, _description(box, both.ground_truth.shape))


def _sides(both: Compared, scored: Scored, box: Box) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return labels and match outcomes of ground truth and prediction in a region."""
    ground_truth, predicted = both.ground_truth[box], both.predicted[box]
    if scored.objects is not None:
        return [
            (ground_truth, outcome_image(ground_truth, scored.objects, TRUE)),
            (predicted, outcome_image(predicted, scored.objects, PREDICTED)),
        ]
    same = ground_truth == predicted
    return [
        (labels, np.where(same, CODES["found"], CODES[error]) * (labels > 0))
        for labels, error in ((ground_truth, "missed"), (predicted, "false"))
    ]


def _wrong(both: Compared, scored: Scored) -> NDArray[np.bool_]:
    """Return the mask of the largest unmatched object, or of the voxels that differ."""
    if scored.objects is None:
        return np.asarray(both.ground_truth != both.predicted)
    unmatched = scored.objects[~scored.objects["fate"].isin(["found", "true"])]
    if not len(unmatched):
        return np.zeros(both.ground_truth.shape, bool)
    worst = unmatched.loc[unmatched["size_px"].idxmax()]
    labels = both.predicted if worst["side"] == PREDICTED else both.ground_truth
    return np.asarray(labels == worst["label"])


def _box(mask: NDArray[np.bool_]) -> Box:
    """Return the plane with most of a mask, and a window around its centre."""
    plane: tuple[int, ...] = ()
    if mask.ndim == 3:
        plane = (int(mask.sum((1, 2)).argmax()),)
        mask = mask[plane]
    places = [np.flatnonzero(mask.any(1 - axis)) for axis in range(2)]
    return (*plane, *(_window(p, n) for p, n in zip(places, mask.shape, strict=True)))


def _window(places: NDArray[np.intp], size: int) -> slice:
    middle = int(np.median(places)) if len(places) else size // 2
    start = max(0, min(middle - _WIDEST // 2, size - _WIDEST))
    return slice(start, min(size, start + _WIDEST))


def _description(box: Box, shape: tuple[int, ...]) -> str:
    """Describe a region, "" for the whole image."""
    parts = [
        f"{axis} {place}" if isinstance(place, int) else f"{axis} {place.start}–{place.stop - 1}"
        for axis, place, size in zip("ZYX"[-len(shape) :], box, shape, strict=True)
        if isinstance(place, int) or place.stop - place.start < size
    ]
    return ", ".join(parts)


def _background(image: Volume | None, both: Compared, *, resample: bool) -> NDArray[Any] | None:
    """Return the image in grey, at the place of the labels, or None without an image."""
    if image is None:
        return None
    image, grid, shape = image.squeezed("T"), both.grid, both.ground_truth.shape
    if image.spatial_axes != grid.spatial_axes:
        image, grid = image.squeezed("Z"), grid.squeezed("Z")
    unplaced = image.affine is None or grid.affine is None
    if unplaced and image.spatial_shape != grid.spatial_shape:
        raise InputError(f"{image.name} has shape {image.shape}, but the labels have {shape}")
    image, _ = on_grid_of(image, grid, resample=resample)
    array = np.asarray(image.array)
    if "C" in image.axes:
        array = array.mean(image.axes.index("C"))
    return array.reshape(shape)


def _drawn(
    labels: NDArray[Any], outcome: NDArray[Any], image: NDArray[Any] | None, *, voxels: bool
) -> Picture:
    """Draw outlines in the colours of match outcomes.

    Without an image objects are tinted too; for classes wrong voxels are tinted.
    """
    factor = max(1, round(_WIDE / max(labels.shape)))
    ground = np.full(labels.shape, _DARK) if image is None else stretched(image)
    labels, outcome, ground = (
        a.repeat(factor, 0).repeat(factor, 1) for a in (labels, outcome, ground)
    )
    colours = _PALETTE[outcome]
    picture = np.repeat(ground[..., None], 3, axis=2).astype(np.float32)
    tinted = outcome > CODES["found"] if voxels else (outcome > 0) & (image is None)
    picture[tinted] += _TINT * (colours[tinted] - picture[tinted])
    edge = outlines(labels)
    if factor > 1:  # two px wide
        edge[1:] |= edge[:-1] & (labels[1:] == labels[:-1])
        edge[:, 1:] |= edge[:, :-1] & (labels[:, 1:] == labels[:, :-1])
    picture[edge] = colours[edge]
    return picture.round().astype(np.uint8)
