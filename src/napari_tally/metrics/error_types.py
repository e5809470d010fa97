"""Error types: matched, missed, false positive, merged or split.

A predicted object *contains* a ground-truth object if more than half of that object's voxels are in
it; ground-truth objects contain predicted ones likewise. Each object has at most one container.
A merge is a predicted object that contains at least two ground-truth objects, a split a
ground-truth object that contains at least two predicted ones.

Each object has one match outcome. Matches at the IoU threshold come first: "found" and "true" are
the true positives of `match`. Other ground-truth objects are "merged" if contained by a merge,
"split" if they are a split, else "missed"; other predicted objects are "merged" if they are a
merge, "split" if contained by a split, else "false".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .match import best_pairs

if TYPE_CHECKING:
    import pandas as pd

    from .overlaps import Overlaps

PREDICTED, TRUE = "predicted", "true"
# In an outcome image; matched objects have the same colour on both sides.
CODES = {"found": 1, "true": 1, "missed": 2, "false": 3, "merged": 4, "split": 5}
# Outcomes on each side: matched, containing several, contained by such an object, unmatched.
_OUTCOMES = {
    PREDICTED: ("true", "merged", "split", "false"),
    TRUE: ("found", "split", "merged", "missed"),
}


def match_outcomes(overlap: Overlaps, iou: float = 0.5) -> pd.DataFrame:
    """Return one row for each ground-truth object, then one for each predicted one.

    Columns: `side` ("true" or "predicted"), `label` (its id), `fate` (match outcome: "found",
    "missed", "merged" or "split" for ground truth, "true", "false", "merged" or "split" for
    predictions), `partner` (id of the matched object, else of the merge or split that contains it,
    else of the object with the highest IoU; 0 without overlap), `iou` (with `partner`), `holds`
    (number of objects of the other image that it contains), `size_px`.

    Parameters
    ----------
    iou : float
        Threshold from which two objects match.
    """
    import pandas as pd

    pairs = best_pairs(overlap, iou)
    sides = [_side(overlap.mirrored(), pairs, TRUE), _side(overlap, pairs, PREDICTED)]
    return pd.concat(sides, ignore_index=True)


def merges_and_splits(overlap: Overlaps) -> tuple[int, int]:
    """Return the number of merges and of splits."""
    merges, splits = (_contained_counts(one) >= 2 for one in (overlap, overlap.mirrored()))
    return int(merges.sum()), int(splits.sum())


def outcome_image(labels: NDArray[np.integer], table: pd.DataFrame, side: str) -> NDArray[np.uint8]:
    """Return the match outcome of each voxel's object, as its code in `CODES`.

    Parameters
    ----------
    labels : ndarray of int
        The ground truth or the prediction.
    table : pandas.DataFrame
        The result of `match_outcomes` for this image.
    side : {"true", "predicted"}
    """
    own = table[table["side"] == side].sort_values("label")
    ids = np.append(np.zeros(1, own["label"].dtype), own["label"].to_numpy())
    codes = np.array([0, *(CODES[outcome] for outcome in own["fate"])], np.uint8)
    outcome: NDArray[np.uint8] = codes[np.searchsorted(ids, labels)]
    return outcome


def _side(overlap: Overlaps, pairs: NDArray[np.intp], side: str) -> pd.DataFrame:
    """Return the rows of predicted objects, or of ground-truth objects if overlaps are mirrored."""
    import pandas as pd

    matched, containing, contained, unmatched = _OUTCOMES[side]
    counts = _contained_counts(overlap)
    in_several = _contained_with_others(overlap)
    chosen = np.full(overlap.n_predicted + 1, -1)
    for some in (np.argsort(overlap.iou, kind="stable"), in_several, pairs):  # the last one wins
        chosen[overlap.predicted[some]] = some
    outcome = np.full(overlap.n_predicted + 1, unmatched, object)
    by_name = {
        containing: np.flatnonzero(counts >= 2),
        contained: overlap.predicted[in_several],
    }
    for name in ("split", "merged"):
        outcome[by_name[name]] = name
    outcome[overlap.predicted[pairs]] = matched
    overlapping = np.flatnonzero(chosen >= 0)
    match = np.zeros(len(chosen), overlap.true_ids.dtype)
    match[overlapping] = overlap.true_ids[overlap.true[chosen[overlapping]]]
    iou = np.zeros(len(chosen))
    iou[overlapping] = overlap.iou[chosen[overlapping]]
    columns = {
        "label": overlap.predicted_ids,
        "fate": outcome,
        "partner": match,
        "iou": iou,
        "holds": counts,
        "size_px": overlap.predicted_sizes,
    }
    table = pd.DataFrame({name: values[1:] for name, values in columns.items()})
    table.insert(0, "side", side)
    return table


def _contained_counts(overlap: Overlaps) -> NDArray[np.intp]:
    """Return how many ground-truth objects each predicted object contains, background first."""
    contained = 2 * overlap.shared > overlap.true_sizes[overlap.true]
    return np.bincount(overlap.predicted[contained], minlength=overlap.n_predicted + 1)


def _contained_with_others(overlap: Overlaps) -> NDArray[np.intp]:
    """Return the pairs in which a ground-truth object contains this predicted one and others."""
    contained = 2 * overlap.shared > overlap.predicted_sizes[overlap.predicted]
    several = _contained_counts(overlap.mirrored()) >= 2
    return np.flatnonzero(contained & several[overlap.true])
