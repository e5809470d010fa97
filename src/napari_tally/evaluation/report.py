"""One page about an evaluation: numbers, AP curve, and pictures of the worst images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import replacing
from ..core.errors import TallyError, sentence
from ..figures.charts import ap_curve
from ..figures.html import Table, render
from ..files import read
from ..files.label_pairs import images_by_name
from ..files.run_record import versions
from .error_pictures import COLOURS, Panels, panels
from .evaluate_files import REPORT
from .evaluation import differences, main_score

if TYPE_CHECKING:
    from markupsafe import Markup

    from .evaluation import Evaluation
    from .scores import Scored

WORST = 6  # images that are shown

_OF_OBJECTS = {
    "found": "matched",
    "missed": "missed: false negative (ground truth)",
    "false": "false positive (prediction)",
    "merged": "merged: several ground-truth objects in one predicted",
    "split": "split: one ground-truth object in several predicted",
}
_OF_CLASSES = {
    "found": "the same class in both",
    "missed": "this class in the ground truth only",
    "false": "this class in the prediction only",
}
# The error types of ground-truth and of predicted objects, by `fate` in the table of objects.
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
_WORDS = {
    "images": "images",
    "left_out": "left out",
    "n_true": "ground-truth objects",
    "n_predicted": "predicted objects",
    "count_error_mean": "count error, mean over images",
    "count_error_abs_mean": "absolute count error, mean over images",
    "mean_ap": "mean AP, over thresholds and images",
    "mean_ap_pooled": "mean AP, all objects together",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1 (RQ)",
    "sq": "SQ",
    "pq": "PQ",
    "aji": "AJI, all objects together",
    "merges": "merges",
    "splits": "splits",
    "mean_dice": "mean Dice",
}


def write_report(
    found: Sequence[Evaluation], folder: Path, images: Path | None = None, worst: int = WORST
) -> Path:
    """Write a page that needs no other file; return where it is.

    Parameters
    ----------
    found : sequence of Evaluation
        One or more predictions of the same images.
    images : Path, optional
        Folder of the images, of the same names, to draw outlines on.
    worst : int
        How many images are shown, those of the lowest scores.

    Raises
    ------
    TallyError
        If `images` is not a folder, or the page cannot be written.
    """
    path = folder / REPORT
    known = {} if images is None else images_by_name(images)
    text = page(found, known, worst)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


@dataclass(frozen=True, eq=False)
class _Compared:
    """One prediction of an image: its score in words, and pictures or why there are none."""

    name: str
    caption: str
    panels: Panels | None = None
    problem: str = ""


def page(found: Sequence[Evaluation], images: dict[str, Path], worst: int = WORST) -> str:
    """Return the page as HTML; predictions without any compared image are only named."""
    names = ", ".join(one.name for one in found)
    problems = dict.fromkeys(f"{p.name}: {p.message}" for one in found for p in one.problems)
    found = [one for one in found if one.scored]
    options = found[0].options
    legend = _OF_CLASSES if options.kind == "classes" else _OF_OBJECTS
    return render(
        "evaluation",
        title=f"Evaluation of {names}",
        made=_made(),
        problems=list(problems),
        summary=_summary(found),
        iou=None if options.kind == "classes" else options.iou[0],
        curve=_curve(found),
        tables=list(_tables(found)),
        differences=[_differences(found[0], other) for other in found[1:]],
        legend=[(COLOURS[name], text) for name, text in legend.items()],
        worst=list(_worst(found, images, worst)),
        images=[(f"Each image{_of(one, found)}", _images(one)) for one in found],
    )


def _made() -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    own = versions().get("napari-tally", "")
    return f"napari-tally {own}, {now}. For research, not for diagnosis."


def _summary(found: Sequence[Evaluation]) -> Table:
    rows = [
        [words, *(one.summary.get(name, "") for one in found)]
        for name, words in _WORDS.items()
        if any(name in one.summary for one in found)
    ]
    return Table(["", *(one.name for one in found)], rows)


def _curve(found: Sequence[Evaluation]) -> Markup | None:
    tables = [(one.name, one.thresholds) for one in found if len(one.thresholds)]
    tables = [(n, t[t["class"] == "all"] if "class" in t else t) for n, t in tables]
    return ap_curve(tables) if tables else None


def _tables(found: Sequence[Evaluation]) -> Iterator[tuple[str, Table]]:
    """Yield the tables of error types and of classes, with their titles."""
    for one in found:
        if len(one.objects):
            yield f"Error types{_of(one, found)}", _error_types(one)
    for one in found:
        if "classes" in one.summary:
            yield f"Classes{_of(one, found)}", _classes(one)


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
        f"{other.name} against {first.name}, image by image: mean difference"
        f" {gain.mean():+.3f}; better in {(gain > 0).sum()}, worse in {(gain < 0).sum()},"
        f" the same in {(gain == 0).sum()} of {len(gain)}."
    )
    return text, Table.of(pairs)


def _worst(
    found: Sequence[Evaluation], images: dict[str, Path], count: int
) -> Iterator[tuple[str, list[_Compared]]]:
    """Yield the images with the lowest score in one of the predictions, and their pictures."""
    score = main_score(found[0])
    lowest: dict[str, float] = {}
    for one in found:
        for name, value in zip(one.images["image"], one.images[score], strict=True):
            lowest[name] = min(value, lowest.get(name, value))
    for name in sorted(lowest, key=lambda name: (lowest[name], name))[:count]:
        both = [(one, each) for one in found for each in one.scored if each.name == name]
        yield name, [_compared(one, each, images) for one, each in both]


def _compared(one: Evaluation, scored: Scored, images: dict[str, Path]) -> _Compared:
    score = main_score(one)
    value = one.images.set_index("image").loc[scored.name, score]
    caption = f"{one.name}: {_WORDS[score].partition(',')[0]} {value:.3f}"
    try:
        image = read(images[scored.name]) if scored.name in images else None
        drawn = panels(scored, one.options, image)
    except TallyError as error:
        return _Compared(one.name, caption, problem=sentence(error))
    return _Compared(one.name, ", ".join(filter(None, [caption, drawn.part])), drawn)


def _images(one: Evaluation) -> Table:
    rows = one.images.sort_values(main_score(one)) if len(one.images) else one.images
    return Table.of(rows)


def _of(one: Evaluation, found: Sequence[Evaluation]) -> str:
    return f": {one.name}" if len(found) > 1 else ""
