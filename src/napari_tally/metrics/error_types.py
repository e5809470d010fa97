"""What became of each object: found, missed, merged or split; true or false.

A predicted object *holds* a true one that has more than half of its voxels in it, and a true object
holds predicted ones in the same way; an object is held by one other at most. A merge is a predicted
object that holds two true ones or more, a split a true one that holds two predicted ones or more.

Each object has one fate. Partners at the IoU threshold come first: found and true ones are the true
positives of `match`. Of the others, true ones are merged if they are held by a merge, split if they
are a split, else missed; predicted ones are merged if they are a merge, split if they are held by a
split, else false.
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
# In an image of fates; partners have one colour in both.
CODES = {"found": 1, "true": 1, "missed": 2, "false": 3, "merged": 4, "split": 5}
# Of each side: what has a partner is, what holds several, what such a one holds, and the others.
_WORDS = {
    PREDICTED: ("true", "merged", "split", "false"),
    TRUE: ("found", "split", "merged", "missed"),
}


def fates(found: Overlaps, iou: float = 0.5) -> pd.DataFrame:
    """Return one row for each true object, then one for each predicted one.

    Columns: `side` ("true" or "predicted"), `label` (its id), `fate` (of true objects "found",
    "missed", "merged" or "split", of predicted ones "true", "false", "merged" or "split"),
    `partner` (the id of the object that it was paired with, else of the merge or split that holds
    it, else of the one that it overlaps best; 0 without any), `iou` (with the partner), `holds`
    (how many objects of the other image it holds), `size_px`.

    Parameters
    ----------
    iou : float
        From which on two objects are partners.
    """
    import pandas as pd

    pairs = best_pairs(found, iou)
    sides = [_side(found.mirrored(), pairs, TRUE), _side(found, pairs, PREDICTED)]
    return pd.concat(sides, ignore_index=True)


def merges_and_splits(found: Overlaps) -> tuple[int, int]:
    """Return how many predicted objects hold several true ones, and true ones several predicted."""
    merges, splits = (_holds(one) >= 2 for one in (found, found.mirrored()))
    return int(merges.sum()), int(splits.sum())


def fate_image(labels: NDArray[np.integer], table: pd.DataFrame, side: str) -> NDArray[np.uint8]:
    """Return the fate of each voxel's object, by its number in `CODES`.

    Parameters
    ----------
    labels : ndarray of int
        The label image of that side.
    table : pandas.DataFrame
        As `fates` returns it, of this image.
    side : {"true", "predicted"}
    """
    own = table[table["side"] == side].sort_values("label")
    ids = np.append(np.zeros(1, own["label"].dtype), own["label"].to_numpy())
    codes = np.array([0, *(CODES[fate] for fate in own["fate"])], np.uint8)
    fate: NDArray[np.uint8] = codes[np.searchsorted(ids, labels)]
    return fate


def _side(found: Overlaps, pairs: NDArray[np.intp], side: str) -> pd.DataFrame:
    """Return the rows of the predicted objects, for the true ones of mirrored overlaps."""
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
    """Return how many true objects each predicted one holds, the background (0) first."""
    held = 2 * found.shared > found.true_sizes[found.true]
    return np.bincount(found.predicted[held], minlength=found.n_predicted + 1)


def _held_in_crowds(found: Overlaps) -> NDArray[np.intp]:
    """Return the pairs of predicted objects and true ones that hold them, and others."""
    held = 2 * found.shared > found.predicted_sizes[found.predicted]
    several = _holds(found.mirrored()) >= 2
    return np.flatnonzero(held & several[found.true])
