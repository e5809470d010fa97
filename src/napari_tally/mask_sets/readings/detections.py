"""From scored boxes of a network to the objects that remain, for all readings with boxes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...core.options import Offer
from ..suppression import suppressed
from .reading import Array, Reading

if TYPE_CHECKING:
    from ..frame import Boxes, Frame

logger = logging.getLogger("napari_tally")


@dataclass(frozen=True, eq=False)
class Candidates:
    """Scored boxes before suppression.

    Attributes
    ----------
    boxes : ndarray, shape (n, 4)
        (x0, y0, x1, y1) in px of the network's input.
    scores : ndarray of float32, shape (n,)
    classes : ndarray of int, shape (n,)
        From 0.
    rows : ndarray of int, shape (n,)
        The row of each in the arrays of the network.
    """

    boxes: Array
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    rows: NDArray[np.int64]

    def take(self, kept: NDArray[Any]) -> Candidates:
        """Return some of them."""
        return Candidates(self.boxes[kept], self.scores[kept], self.classes[kept], self.rows[kept])

    def centred(self) -> Candidates:
        """Return boxes that are given as (centre x, centre y, width, height)."""
        half = self.boxes[:, 2:] / 2
        boxes = np.concatenate([self.boxes[:, :2] - half, self.boxes[:, :2] + half], axis=1)
        return Candidates(boxes, self.scores, self.classes, self.rows)


class DetectionReading(Reading):
    """A reading of scored boxes, with or without masks."""

    score_threshold: float = Field(
        0.25, ge=0, le=1, description="Objects with a lower score are left out."
    )
    overlap_threshold: float = Field(
        0.7,
        gt=0,
        le=1,
        description="Of boxes with a higher IoU than this, the one with the best score stays.",
    )
    across_classes: bool = Field(
        False, description="Whether boxes suppress those of other classes, too."
    )
    max_candidates: Annotated[int, Offer(advanced=True)] = Field(
        30_000, ge=1, description="Boxes with the best scores that are considered."
    )

    @property
    def least_score(self) -> float:
        """The minimum score of objects with which the model is meant to be used."""
        return self.score_threshold

    def scored_from(self, threshold: float) -> Self:
        """Return the reading with another minimum score of objects."""
        return self.model_copy(update={"score_threshold": threshold})

    def remaining(
        self, found: Candidates, frame: Frame, *, suppress: bool, fast: bool = False
    ) -> tuple[Candidates, Boxes]:
        """Return the objects by falling score, and their boxes on the image, clipped to it.

        Scores and boxes that are not finite are left out with a note, boxes outside of the image
        without one.
        """
        found = self._finite(found)
        found = found.take(found.scores >= self.score_threshold)
        if len(found.scores) > self.max_candidates:
            best = np.argsort(-found.scores, kind="stable")[: self.max_candidates]
            text = "%s boxes score above %g; the best %s are considered."
            counts = f"{len(found.scores):,}", f"{self.max_candidates:,}"
            logger.warning(text, counts[0], self.score_threshold, counts[1])
            found = found.take(best)
        if suppress:
            classes = None if self.across_classes else found.classes
            kept = suppressed(
                _rows_first(found.boxes), found.scores, classes, self.overlap_threshold, fast=fast
            )
        else:
            kept = np.argsort(-found.scores, kind="stable")
        found = found.take(kept)
        boxes = frame.on_image(_rows_first(found.boxes))
        limits = np.tile(np.array(frame.shape, np.float32), 2)
        clipped = np.clip(boxes, 0, limits)
        inside = np.flatnonzero((clipped[:, 2:] > clipped[:, :2]).all(axis=1))
        return found.take(inside), clipped[inside]

    def _finite(self, found: Candidates) -> Candidates:
        finite = np.isfinite(found.scores) & np.isfinite(found.boxes).all(axis=1)
        wrong = len(finite) - int(np.count_nonzero(finite))
        if wrong:
            text = "%s of %s scores or boxes of the model are NaN or infinite and are left out."
            logger.warning(text, f"{wrong:,}", f"{len(finite):,}")
        return found.take(finite)


def best_class(scores: Array, least: float) -> tuple[NDArray[np.int64], Array, NDArray[np.int64]]:
    """Return rows whose best class scores at least `least`: (rows, their scores, classes).

    Rows with NaN are kept, so that they are reported.
    """
    if not scores.shape[1]:
        none = np.zeros(0, np.int64)
        return none, np.zeros(0, np.float32), none
    top = scores.max(axis=1)
    rows = np.flatnonzero(~(top < least))
    return rows, top[rows].astype(np.float32), scores[rows].argmax(axis=1)


def _rows_first(boxes: Array) -> Boxes:
    """Return (y0, x0, y1, x1) of (x0, y0, x1, y1)."""
    return np.asarray(boxes, np.float32)[:, [1, 0, 3, 2]]
