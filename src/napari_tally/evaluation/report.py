"""The report of an evaluation: scores, AP curve, and pictures of the worst images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import write_text
from ..core.failures import Attempt
from ..figures.charts import ap_curve
from ..figures.html import Table, render
from ..files import read
from ..files.match_predictions import images_by_name
from ..files.run_record import versions
from .error_pictures import COLOURS, Panels, panels
from .evaluate_files import REPORT
from .evaluation import differences, main_score

if TYPE_CHECKING:
    from markupsafe import Markup

    from .evaluation import Evaluation
    from .scores import Scored

WORST = 6  # images with pictures

_OF_OBJECTS = {
    "found": "matched",
    "missed": "missed: false negative (ground truth)",
    "false": "false positive (prediction)",
    "merged": "merged: several ground-truth objects in one prediction",
    "split": "split: one ground-truth object in several predictions",
}
_OF_CLASSES = {
    "found": "same class in both",
    "missed": "this class in the ground truth only",
    "false": "this class in the prediction only",
}
# Error types of ground-truth and of predicted objects, by the column `fate`.
_OUTCOMES = {
    "true": {"found": "matched", "missed": "missed", "merged": "merged", "split": "split"},
    "predicted": {
        "true": "matched",
        "false": "false positive",
        "merged": "merged",
        "split": "split",
    },
}
_SIDES = {"true": "ground truth", "predicted": "prediction"}
_SCORES = {
    "images": "images",
    "left_out": "left out",
    "n_true": "ground-truth objects",
    "n_predicted": "predicted objects",
    "count_error_mean": "mean count error",
    "count_error_abs_mean": "mean absolute count error",
    "mean_ap": "mean AP, over thresholds and images",
    "mean_ap_pooled": "mean AP, objects of all images pooled",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1 (RQ)",
    "sq": "SQ",
    "pq": "PQ",
    "aji": "AJI, objects of all images pooled",
    "merges": "merges",
    "splits": "splits",
    "mean_dice": "mean Dice",
}


def write_report(
    evaluations: Sequence[Evaluation], folder: Path, images: Path | None = None, worst: int = WORST
) -> Path:
    """Write a self-contained page; return its path.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        One or more sets of predictions for the same images.
    images : Path, optional
        Folder with the images, to draw outlines on.
    worst : int
        Number of images to show: those with the lowest scores.

    Raises
    ------
    TallyError
        If `images` is not a folder, or the page cannot be written.
    """
    path = folder / REPORT
    known = {} if images is None else images_by_name(images)
    text = page(evaluations, known, worst)
    write_text(text, path)
    return path


@dataclass(frozen=True, eq=False)
class _Compared:
    """One prediction of an image: its score as a caption, and pictures or the problem."""

    name: str
    caption: str
    panels: Panels | None = None
    problem: str = ""


def page(evaluations: Sequence[Evaluation], images: dict[str, Path], worst: int = WORST) -> str:
    """Return the page as HTML; predictions that could not be scored are only named."""
    names = ", ".join(one.name for one in evaluations)
    problems = dict.fromkeys(f"{p.name}: {p.message}" for one in evaluations for p in one.problems)
    evaluations = [one for one in evaluations if one.scored]
    options = evaluations[0].options
    legend = _OF_CLASSES if options.kind == "classes" else _OF_OBJECTS
    return render(
        "evaluation",
        title=f"Evaluation of {names}",
        made=_made(),
        problems=list(problems),
        summary=_summary(evaluations),
        iou=None if options.kind == "classes" else options.iou[0],
        curve=_curve(evaluations),
        tables=list(_tables(evaluations)),
        differences=[_differences(evaluations[0], other) for other in evaluations[1:]],
        legend=[(COLOURS[name], text) for name, text in legend.items()],
        worst=list(_worst(evaluations, images, worst)),
        images=[(f"Each image{_of(one, evaluations)}", _images(one)) for one in evaluations],
    )


def _made() -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    own = versions().get("napari-tally", "")
    return f"napari-tally {own}, {now}. For research, not for diagnosis."


def _summary(evaluations: Sequence[Evaluation]) -> Table:
    rows = [
        [title, *(one.summary.get(name, "") for one in evaluations)]
        for name, title in _SCORES.items()
        if any(name in one.summary for one in evaluations)
    ]
    return Table(["", *(one.name for one in evaluations)], rows)


def _curve(evaluations: Sequence[Evaluation]) -> Markup | None:
    tables = [(one.name, one.thresholds) for one in evaluations if len(one.thresholds)]
    tables = [(n, t[t["class"] == "all"] if "class" in t else t) for n, t in tables]
    return ap_curve(tables) if tables else None


def _tables(evaluations: Sequence[Evaluation]) -> Iterator[tuple[str, Table]]:
    """Yield the tables of error types and of classes, with their titles."""
    for one in evaluations:
        if len(one.objects):
            yield f"Error types{_of(one, evaluations)}", _error_types(one)
    for one in evaluations:
        if "classes" in one.summary:
            yield f"Classes{_of(one, evaluations)}", _classes(one)


def _error_types(one: Evaluation) -> Table:
    counts = one.objects.groupby(["side", "fate"]).size()
    names = list(dict.fromkeys(name for side in _OUTCOMES.values() for name in side.values()))
    rows = []
    for side, outcomes in _OUTCOMES.items():
        own = {name: int(counts.get((side, fate), 0)) for fate, name in outcomes.items()}
        rows.append([_SIDES[side], *(own.get(name) for name in names)])
    return Table(["Objects", *names], rows)


def _classes(one: Evaluation) -> Table:
    rows = one.summary["classes"]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return Table(names, [[row.get(name) for name in names] for row in rows])


def _differences(first: Evaluation, other: Evaluation) -> tuple[str, Table]:
    pairs = differences(first, other).sort_values("difference")
    gain = pairs["difference"]
    text = (
        f"{other.name} compared with {first.name}, image by image: mean difference"
        f" {gain.mean():+.3f}; better in {(gain > 0).sum()}, worse in {(gain < 0).sum()},"
        f" equal in {(gain == 0).sum()} of {len(gain)}."
    )
    return text, Table.of(pairs)


def _worst(
    evaluations: Sequence[Evaluation], images: dict[str, Path], count: int
) -> Iterator[tuple[str, list[_Compared]]]:
    """Yield the images with the lowest score in any prediction, and their pictures."""
    score = main_score(evaluations[0])
    lowest: dict[str, float] = {}
    for one in evaluations:
        for name, value in zip(one.images["image"], one.images[score], strict=True):
            lowest[name] = min(value, lowest.get(name, value))
    for name in sorted(lowest, key=lambda name: (lowest[name], name))[:count]:
        both = [(one, each) for one in evaluations for each in one.scored if each.name == name]
        yield name, [_compared(one, each, images) for one, each in both]


def _compared(one: Evaluation, scored: Scored, images: dict[str, Path]) -> _Compared:
    score = main_score(one)
    value = one.images.set_index("image").loc[scored.name, score]
    caption = f"{one.name}: {_SCORES[score].partition(',')[0]} {value:.3f}"
    drawn = None
    with Attempt(scored.name) as attempt:
        path = images.get(scored.pair.name)
        image = None if path is None else read(path)
        drawn = panels(scored, one.options, image)
    if drawn is None:
        return _Compared(one.name, caption, problem=attempt.message)
    return _Compared(one.name, ", ".join(filter(None, [caption, drawn.part])), drawn)


def _images(one: Evaluation) -> Table:
    rows = one.images.sort_values(main_score(one)) if len(one.images) else one.images
    return Table.of(rows)


def _of(one: Evaluation, evaluations: Sequence[Evaluation]) -> str:
    return f": {one.name}" if len(evaluations) > 1 else ""
