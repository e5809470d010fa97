"""The scores of one or two evaluations, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

if TYPE_CHECKING:
    from ...evaluation.evaluation import Evaluation

# Columns of the tables of an evaluation, and their labels.
_OBJECTS = {
    "n_true": "true objects",
    "n_predicted": "predicted objects",
    "ap_0.50": "AP at IoU 0.5",
    "mean_ap": "mean AP 0.5:0.95",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "pq": "panoptic quality",
    "aji": "aggregated Jaccard",
    "count_error": "count error",
    "merges": "merges",
    "splits": "splits",
}
_CLASSES = {
    "dice": "Dice",
    "iou": "IoU",
    "hd95": "HD95",
    "assd": "mean surface distance",
    "nsd": "normalised surface distance",
    "area_difference_relative": "area difference, relative",
    "volume_difference_relative": "volume difference, relative",
}


class ScoresTable(QTableWidget):
    """One row per score, one column per prediction."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        header = self.horizontalHeader()
        assert header is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)

    def show_evaluations(self, found: Sequence[Evaluation]) -> None:
        """Show the scores of evaluations of one image each."""
        columns = [scores_of(each) for each in found]
        names = list(dict.fromkeys(name for column in columns for name in column))
        self.setColumnCount(len(found))
        self.setRowCount(len(names))
        self.setHorizontalHeaderLabels([each.name for each in found])
        self.setVerticalHeaderLabels(names)
        for place, column in enumerate(columns):
            for row, name in enumerate(names):
                self.setItem(row, place, QTableWidgetItem(column.get(name, "")))
        self.resizeRowsToContents()
        header = self.horizontalHeader()
        height = 2 * self.frameWidth() + (0 if header is None else header.sizeHint().height())
        self.setFixedHeight(height + sum(self.rowHeight(i) for i in range(self.rowCount())))


def scores_of(found: Evaluation) -> dict[str, str]:
    """Return the scores of an evaluation of one image, by their labels."""
    if found.options.kind == "instances":
        row = found.images.iloc[0]
        return {label: _written(row[name]) for name, label in _OBJECTS.items() if name in row}
    scores = {}
    for _, row in found.classes.iterrows():
        for column in map(str, found.classes.columns):
            start = next((s for s in _CLASSES if column == s or column.startswith(f"{s}_")), None)
            if start is not None:
                unit = column.removeprefix(start).removeprefix("_").replace("um", "µm")
                name = f"class {row['class']:.0f}: {_CLASSES[start]}"
                scores[f"{name} ({unit})" if unit else name] = _written(row[column])
    return scores


def _written(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.3g}"
