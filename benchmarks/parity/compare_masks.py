"""Compare the masks of two programs: those that are the same objects, and how far they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_tally.mask_sets.mask_set import MaskSet


@dataclass(frozen=True)
class Objects:
    """Masks (n, Y, X), classes from 0, and scores."""

    masks: NDArray[np.bool_]
    classes: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def ours(cls, found: MaskSet) -> Objects:
        """Draw a mask set."""
        masks = np.zeros((len(found), *found.shape), bool)
        for row in range(len(found)):
            patch = found.draw(row)
            masks[row][patch.box] = patch.mask
        return cls(masks, found.classes - 1, found.scores)

    def visible(self) -> Objects:
        """Return those that have a pixel."""
        kept = self.masks.any(axis=(1, 2))
        return Objects(self.masks[kept], self.classes[kept], self.scores[kept])


def compared(ours: Objects, theirs: Objects) -> dict[str, float]:
    """Pair each of their objects with that of ours with the best IoU of the same class.

    Objects without a pixel are left out, which Ultralytics does, too.
    """
    ours, theirs = ours.visible(), theirs.visible()
    shared, scores = [], []
    left = set(range(len(ours.masks)))
    for mask, kind, score in zip(theirs.masks, theirs.classes, theirs.scores, strict=True):
        rows = [i for i in left if ours.classes[i] == kind]
        overlaps = [_iou(ours.masks[i], mask) for i in rows]
        if not overlaps or max(overlaps) < 0.5:
            continue
        best = rows[int(np.argmax(overlaps))]
        left.discard(best)
        shared.append(max(overlaps))
        scores.append(abs(float(ours.scores[best]) - float(score)))
    return {
        "theirs": len(theirs.masks),
        "ours": len(ours.masks),
        "same": len(shared),
        "mean IoU": float(np.mean(shared)) if shared else float("nan"),
        "worst IoU": float(np.min(shared)) if shared else float("nan"),
        "worst score": float(np.max(scores)) if scores else float("nan"),
    }


def line(name: str, found: dict[str, float]) -> str:
    """Return a comparison as one line."""
    counts = ", ".join(f"{found[k]:.0f} {k}" for k in ("theirs", "ours", "same"))
    rest = ", ".join(f"{k} {found[k]:.4f}" for k in ("mean IoU", "worst IoU"))
    return f"{name}: {counts}; {rest}; scores differ by at most {found['worst score']:.1e}"


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0
