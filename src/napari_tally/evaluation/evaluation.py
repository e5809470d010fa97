"""The evaluation of a set of predictions: its tables and its summary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .score_tables import (
    classes_table,
    images_table,
    objects_table,
    summary_line,
    summary_of,
    thresholds_table,
)

if TYPE_CHECKING:
    import pandas as pd

    from .options import EvaluateOptions
    from .scores import Problem, Scored


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A set of predictions compared with their ground truth.

    Attributes
    ----------
    name : str
        Name of the predictions.
    options : EvaluateOptions
        Options of the comparison.
    scored : list of Scored
        The scores of each image.
    problems : list of Problem
        The images that could not be compared.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_tally
    >>> ground_truth = np.diag([1, 2, 3])
    >>> print(napari_tally.evaluate(ground_truth, ground_truth, iou=(0.5,)).summary["n_true"])
    3
    """

    name: str
    options: EvaluateOptions
    scored: list[Scored]
    problems: list[Problem]

    def __str__(self) -> str:
        return summary_line(self.summary, self.options.iou)

    @cached_property
    def images(self) -> pd.DataFrame:
        """One row per image."""
        return images_table(self.scored)

    @cached_property
    def classes(self) -> pd.DataFrame:
        """One row per image and class; empty for instances without classes."""
        return classes_table(self.scored)

    @cached_property
    def objects(self) -> pd.DataFrame:
        """One row per ground-truth and per predicted object of all images; empty for classes."""
        return objects_table(self.scored)

    @cached_property
    def thresholds(self) -> pd.DataFrame:
        """One row per IoU threshold (and class): scores of all objects pooled, and the mean AP.

        Empty for classes.
        """
        return thresholds_table(self.scored, self.options.kind)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Scores over all images, by name."""
        numbers = {"images": len(self.scored), "left_out": len(self.problems)}
        return numbers | summary_of(self.scored, self.images, self.classes, self.options.kind)


def differences(first: Evaluation, second: Evaluation) -> pd.DataFrame:
    """Return the main score of each image in both, and the gain of the second over the first.

    The score is the mean AP, or the mean Dice of classes. Images in only one of them are omitted.
    """
    score = main_score(first)
    both = first.images[["image", score]].merge(
        second.images[["image", score]], on="image", suffixes=("_1", "_2")
    )
    names = {f"{score}_1": first.name, f"{score}_2": second.name}
    both["difference"] = both[f"{score}_2"] - both[f"{score}_1"]
    return both.rename(columns=names)


def main_score(evaluation: Evaluation) -> str:
    """Return the column of the table of images by which they are ranked."""
    return "mean_dice" if evaluation.options.kind == "classes" else "mean_ap"
