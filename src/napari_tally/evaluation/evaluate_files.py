"""Evaluate folders of predictions; write tables and all numbers as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.atomic import replacing
from ..core.errors import InputError, OutputExistsError
from ..files.label_pairs import CLASSES, OBJECTS, ONLY_CLASSES, paired_labels
from ..files.run_record import versions
from ..files.tables.tables import write_table
from .evaluate import evaluate_steps
from .evaluation import differences
from .load_pair import Pair
from .scores import Problem

if TYPE_CHECKING:
    import pandas as pd

    from ..core.progress import Steps
    from .evaluation import Evaluation
    from .options import EvaluateOptions

TABLES = ("images", "objects", "classes", "thresholds")
DIFFERENCES = "differences"
NUMBERS = "evaluation.json"
REPORT = "report.html"


def folder_pairs(
    predicted: Path, truth: Path, options: EvaluateOptions
) -> tuple[list[Pair], list[Problem]]:
    """Return the pairs of two folders (or of two files), and unmatched files.

    Raises
    ------
    InputError
        If there is no pair at all.
    """
    if options.kind == "panoptic":
        return _panoptic_pairs(predicted, truth)
    named, unmatched = paired_labels(
        predicted, truth, CLASSES if options.kind == "classes" else OBJECTS
    )
    return [Pair(*row) for row in named], _unmatched(unmatched)


def _panoptic_pairs(predicted: Path, truth: Path) -> tuple[list[Pair], list[Problem]]:
    """Return objects and classes of each image that has both in both folders."""
    objects, unmatched = paired_labels(predicted, truth, OBJECTS)
    classes, more = paired_labels(predicted, truth, ONLY_CLASSES)
    beside = {name: paths for name, *paths in classes}
    pairs = [Pair(name, *paths, *beside[name]) for name, *paths in objects if name in beside]
    known = {pair.name for pair in pairs}
    single = [path for name, *paths in (*objects, *classes) if name not in known for path in paths]
    return pairs, _unmatched([*unmatched, *more, *single])


def _unmatched(paths: Sequence[Path]) -> list[Problem]:
    error = InputError("No file of the same name on the other side")
    return [Problem(str(path), error) for path in paths]


@dataclass(frozen=True)
class PredictionSet:
    """The predictions of a folder: a name, pairs with ground truth, and unmatched files."""

    name: str
    pairs: list[Pair]
    unmatched: list[Problem]


def prediction_sets(
    predictions: Sequence[Path], truth: Path, options: EvaluateOptions
) -> list[PredictionSet]:
    """Return one or more folders of predictions with the same ground truth.

    Raises
    ------
    InputError
        If one of them has no pair with the ground truth, or is given twice.
    """
    sources = [folder_pairs(predicted, truth, options) for predicted in predictions]
    named = zip(_names(predictions), sources, strict=True)
    return [PredictionSet(name, pairs, unmatched) for name, (pairs, unmatched) in named]


def evaluate_sets_steps(
    sets: Sequence[PredictionSet], options: EvaluateOptions
) -> Steps[list[Evaluation]]:
    """Compare sets of predictions with the ground truth, one after the other."""
    found = []
    for each in sets:
        one = yield from evaluate_steps(each.pairs, options, each.name)
        found.append(replace(one, problems=[*one.problems, *each.unmatched]))
    return found


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the shortest names of folders that are unique."""
    parts = [path.absolute().parts for path in paths]
    for count in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise InputError(f"Predictions must differ, but are {', '.join(map(str, paths))}")


def check_output(folder: Path, *, overwrite: bool) -> None:
    """Check that a folder holds no evaluation yet.

    Raises
    ------
    OutputExistsError
        If it does, without `overwrite`.
    """
    there = next((p for n in (NUMBERS, REPORT) if (p := folder / n).exists()), None)
    if there is not None and not overwrite:
        raise OutputExistsError(
            f"{there} holds an older evaluation", hint="Choose another folder or use --overwrite"
        )


def write_numbers(found: Sequence[Evaluation], folder: Path) -> list[Path]:
    """Write the tables as CSV and all numbers as JSON; return where they are.

    With several predictions each table begins with a column `prediction`.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    paths = []
    for name in TABLES:
        table = _joined(found, name)
        if len(table):
            paths.append(folder / f"{name}.csv")
            write_table(table, paths[-1])
    paths.append(folder / NUMBERS)
    text = json.dumps(as_json(found), indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(paths[-1]) as part:
        part.write_text(text + "\n", encoding="utf-8")
    return paths


def _joined(found: Sequence[Evaluation], name: str) -> pd.DataFrame:
    import pandas as pd

    tables = [getattr(one, name) for one in found]
    if len(found) > 1:
        tables = [
            t.assign(prediction=o.name)[["prediction", *t.columns]]
            for o, t in zip(found, tables, strict=True)
        ]
    return pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)


def as_json(found: Sequence[Evaluation]) -> dict[str, Any]:
    """Return all numbers as plain values; what is not a number is None."""
    whole: dict[str, Any] = {
        "options": found[0].options.model_dump(mode="json"),
        "versions": versions(),
        "predictions": [_one(each) for each in found],
    }
    scored = [one for one in found if one.scored]
    if len(scored) > 1:
        whole[DIFFERENCES] = [
            differences(scored[0], other).to_dict("records") for other in scored[1:]
        ]
    plain: dict[str, Any] = _plain(whole)
    return plain


def _one(found: Evaluation) -> dict[str, Any]:
    tables = {name: getattr(found, name).to_dict("records") for name in TABLES if name != "objects"}
    problems = [{"name": p.name, "message": p.message} for p in found.problems]
    return {"name": found.name, "summary": found.summary, **tables, "problems": problems}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
