"""Error types: matched, missed, false positive, merged or split.

A predicted object *contains* a ground-truth one that has more than half of its voxels in it, and
ground-truth objects contain predicted ones in the same way; an object is contained by one other at
most. A merge is a predicted object that contains two ground-truth ones or more, a split a
ground-truth one that contains two predicted ones or more.

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
# In an image of outcomes; matched objects have one colour in both.
CODES = {"found": 1, "true": 1, "missed": 2, "false": 3, "merged": 4, "split": 5}
# Outcomes on each side: matched, containing several, contained by such a one, and unmatched.
_WORDS = {
    PREDICTED: ("true", "merged", "split", "false"),
    TRUE: ("found", "split", "merged", "missed"),
}


def match_outcomes(found: Overlaps, iou: float = 0.5) -> pd.DataFrame:
    """Return one row for each ground-truth object, then one for each predicted one.

    Columns: `side` ("true" or "predicted"), `label` (its id), `fate` (match outcome: "found",
    "missed", "merged" or "split" for ground truth, "true", "false", "merged" or "split" for
    predictions), `partner` (id of the matched object, else of the merge or split that contains it,
    else of the one with the best overlap; 0 without any), `iou` (with `partner`), `holds` (number
    of objects of the other image that it contains), `size_px`.

    Parameters
    ----------
    iou : float
        Threshold from which two objects match.
    """
    import pandas as pd

    pairs = best_pairs(found, iou)
    sides = [_side(found.mirrored(), pairs, TRUE), _side(found, pairs, PREDICTED)]
    return pd.concat(sides, ignore_index=True)


def merges_and_splits(found: Overlaps) -> tuple[int, int]:
    """Return the number of merges and of splits."""
    merges, splits = (_holds(one) >= 2 for one in (found, found.mirrored()))
    return int(merges.sum()), int(splits.sum())


def outcome_image(labels: NDArray[np.integer], table: pd.DataFrame, side: str) -> NDArray[np.uint8]:
    """Return the match outcome of each voxel's object, by its number in `CODES`.

    Parameters
    ----------
    labels : ndarray of int
        The label image of that side.
    table : pandas.DataFrame
        As `match_outcomes` returns it, for this image.
    side : {"true", "predicted"}
    """
    own = table[table["side"] == side].sort_values("label")
    ids = np.append(np.zeros(1, own["label"].dtype), own["label"].to_numpy())
    codes = np.array([0, *(CODES[fate] for fate in own["fate"])], np.uint8)
    outcome: NDArray[np.uint8] = codes[np.searchsorted(ids, labels)]
    return outcome


def _side(found: Overlaps, pairs: NDArray[np.intp], side: str) -> pd.DataFrame:
    """Return the rows of predicted objects, or of ground-truth ones for mirrored overlaps."""
    import pandas as pd

    paired, crowds, held, lost = _WORDS[side]
    holds = _holds(found)
    crowded = _held_in_crowds(found)
    chosen = np.full(found.n_predicted + 1, -1)
    for some in (np.argsort(found.iou, kind="stable"), crowded, pairs):  # the last one stays
        chosen[found.predicted[some]] = some
    fate = np.full(found.n_predicted + 1, lost, object)
    alike = {crowds: np.flatnonzero(holds >= 2), held: found.predicted[crowded]}
    for name in ("split", "merged"):
        fate[alike[name]] = name
    fate[found.predicted[pairs]] = paired
    touched = np.flatnonzero(chosen >= 0)
    partner = np.zeros(len(chosen), found.true_ids.dtype)
    partner[touched] = found.true_ids[found.true[chosen[touched]]]
    iou = np.zeros(len(chosen))
    iou[touched] = found.iou[chosen[touched]]
    columns = {
        "label": found.predicted_ids,
        "fate": fate,
        "partner": partner,
        "iou": iou,
        "holds": holds,
        "size_px": found.predicted_sizes,
    }
    table = pd.DataFrame({name: values[1:] for name, values in columns.items()})
    table.insert(0, "side", side)
    return table


def _holds(found: Overlaps) -> NDArray[np.intp]:
    """Return how many ground-truth objects each predicted one contains, background (0) first."""
    held = 2 * found.shared > found.true_sizes[found.true]
    return np.bincount(found.predicted[held], minlength=found.n_predicted + 1)


def _held_in_crowds(found: Overlaps) -> NDArray[np.intp]:
    """Return the pairs of predicted objects and ground-truth ones that contain several."""
    held = 2 * found.shared > found.predicted_sizes[found.predicted]
    several = _holds(found.mirrored()) >= 2
    return np.flatnonzero(held & several[found.true])
