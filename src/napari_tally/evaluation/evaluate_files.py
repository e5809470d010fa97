"""Evaluate files: match predictions with their ground truth, and write tables and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.atomic import write_text
from ..core.errors import InputError, OutputExistsError
from ..core.escaped import all_escaped
from ..files.claim import is_claimed
from ..files.expand_inputs import is_folder, is_pattern, pattern_files
from ..files.match_predictions import (
    CLASSES,
    OBJECTS,
    ONLY_CLASSES,
    Source,
    paired_labels,
    shared_folder,
)
from ..files.run_record import versions
from ..files.tables.tables import format_beside, write_table
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
    predicted: Source, ground_truth: Source, options: EvaluateOptions, suffix: str | None = None
) -> tuple[list[Pair], list[Problem]]:
    """Return the pairs of two folders (or files), and the files without a match.

    Raises
    ------
    InputError
        If nothing matches.
    """
    if options.kind == "panoptic":
        return _panoptic_pairs(predicted, ground_truth)
    ends = CLASSES if options.kind == "classes" else OBJECTS
    named, unmatched = paired_labels(predicted, ground_truth, ends, suffix)
    return [Pair(*row) for row in named], _unmatched(unmatched)


def _panoptic_pairs(predicted: Source, ground_truth: Source) -> tuple[list[Pair], list[Problem]]:
    """Return the images that have both objects and classes in both folders."""
    objects, unmatched = paired_labels(predicted, ground_truth, OBJECTS)
    classes, more = paired_labels(predicted, ground_truth, ONLY_CLASSES)
    beside = {name: paths for name, *paths in classes}
    pairs = [Pair(name, *paths, *beside[name]) for name, *paths in objects if name in beside]
    known = {pair.name for pair in pairs}
    single = [path for name, *paths in (*objects, *classes) if name not in known for path in paths]
    return pairs, _unmatched([*unmatched, *more, *single])


def _unmatched(paths: Sequence[Path]) -> list[Problem]:
    error = InputError("No file of the same name in the other folder")
    return [Problem(str(path), error) for path in paths]


@dataclass(frozen=True)
class PredictionSet:
    """Predictions that are scored together, and their files without a match."""

    name: str
    pairs: list[Pair]
    unmatched: list[Problem]


def prediction_sets(
    predictions: Sequence[Path],
    ground_truth: Path,
    options: EvaluateOptions,
    suffix: str | None = None,
) -> list[PredictionSet]:
    """Return one or more sets of predictions with the same ground truth.

    Each folder and each pattern is a set. Single files form one set, unless the ground truth is one
    file: then each of them is a set.

    Raises
    ------
    InputError
        If one of them does not exist, matches no ground truth, or is given twice.
    """
    for path in (*predictions, ground_truth):
        if not path.exists() and not is_pattern(path):
            raise InputError(f"{path} does not exist")
    sources = _sources(predictions, ground_truth)
    true = pattern_files(ground_truth) if is_pattern(ground_truth) else ground_truth
    matched = [folder_pairs(source, true, options, suffix) for source in sources.values()]
    named = zip(_names(sources), matched, strict=True)
    return [PredictionSet(name, pairs, unmatched) for name, (pairs, unmatched) in named]


def _sources(predictions: Sequence[Path], ground_truth: Path) -> dict[Path, Source]:
    """Return the sets of predictions by their path in messages."""
    if len({path.absolute() for path in predictions}) < len(predictions):
        raise InputError(
            f"The same predictions are given twice: {', '.join(map(str, predictions))}"
        )
    sources: dict[Path, Source] = {}
    files = []
    for path in predictions:
        if is_pattern(path):
            sources[path] = pattern_files(path)
        elif is_folder(path) or not (is_folder(ground_truth) or is_pattern(ground_truth)):
            sources[path] = path
        else:
            files.append(path)
    return sources | {files[0]: files} if files else sources


def evaluate_sets_steps(
    sets: Sequence[PredictionSet], options: EvaluateOptions
) -> Steps[list[Evaluation]]:
    """Evaluate sets of predictions, one after the other."""
    evaluations = []
    for each in sets:
        one = yield from evaluate_steps(each.pairs, options, each.name)
        evaluations.append(replace(one, problems=[*one.problems, *each.unmatched]))
    return evaluations


def _names(sources: Mapping[Path, Source]) -> list[str]:
    """Return folder names, with as many parent folders as make them unique."""
    folders = [path if isinstance(s, Path) else shared_folder(s) for path, s in sources.items()]
    paths = folders if len(set(folders)) == len(folders) else list(sources)
    parts = [path.absolute().parts for path in paths]
    for count in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return names


def outputs_in(folder: Path, table_format: str = "csv") -> list[Path]:
    """Return the paths of an evaluation, the report last: it marks them as complete."""
    tables = [folder / f"{name}.{_format_of(name, table_format)}" for name in TABLES]
    return [*tables, folder / NUMBERS, folder / REPORT]


def check_output(folder: Path, *, overwrite: bool, table_format: str = "csv") -> None:
    """Check that a folder has no evaluation; half of one may be completed.

    Raises
    ------
    OutputExistsError
        If it has one, unless `overwrite` is set.
    """
    if overwrite or is_claimed(outputs_in(folder, table_format)):
        return
    if (folder / NUMBERS).exists() and (folder / REPORT).exists():
        raise OutputExistsError(
            f"{folder / NUMBERS} exists already", hint="Choose another folder or use --overwrite"
        )


def run_of(
    sets: Sequence[PredictionSet], options: EvaluateOptions, images: Path | None
) -> dict[str, Any]:
    """Return what identifies an evaluation: its options and files."""
    return {
        "options": options.model_dump(mode="json"),
        "sets": [[each.name, *map(repr, each.pairs)] for each in sets],
        "images": str(images),
    }


def write_numbers(
    evaluations: Sequence[Evaluation], folder: Path, table_format: str = "csv"
) -> list[Path]:
    """Write the tables, and all numbers as JSON; return the paths.

    With several predictions, the first column of each table is `prediction`. AnnData is used for
    objects only; the other tables are then CSV.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    paths = []
    for name in TABLES:
        table = _joined(evaluations, name)
        if len(table):
            paths.append(folder / f"{name}.{_format_of(name, table_format)}")
            write_table(table, paths[-1])
    paths.append(folder / NUMBERS)
    text = json.dumps(as_json(evaluations), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(text + "\n", paths[-1])
    return paths


def _format_of(table: str, table_format: str) -> str:
    return table_format if table == "objects" else format_beside(table_format)


def _joined(evaluations: Sequence[Evaluation], name: str) -> pd.DataFrame:
    import pandas as pd

    tables = [getattr(one, name) for one in evaluations]
    if len(evaluations) > 1:
        tables = [
            t.assign(prediction=o.name)[["prediction", *t.columns]]
            for o, t in zip(evaluations, tables, strict=True)
        ]
    return pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True)


def as_json(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Return all numbers as plain values, with None for NaN and infinity."""
    content: dict[str, Any] = {
        "options": evaluations[0].options.model_dump(mode="json"),
        "versions": versions(),
        "predictions": [_one(each) for each in evaluations],
    }
    scored = [one for one in evaluations if one.scored]
    if len(scored) > 1:
        content[DIFFERENCES] = [
            differences(scored[0], other).to_dict("records") for other in scored[1:]
        ]
    plain: dict[str, Any] = all_escaped(_plain(content))
    return plain


def _one(evaluation: Evaluation) -> dict[str, Any]:
    tables = {
        name: getattr(evaluation, name).to_dict("records") for name in TABLES if name != "objects"
    }
    problems = [{"name": p.name, "message": p.message} for p in evaluation.problems]
    return {"name": evaluation.name, "summary": evaluation.summary, **tables, "problems": problems}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
