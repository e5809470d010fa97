"""One page about an evaluation: numbers, AP curve, and pictures of the worst images."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.atomic import replacing
from ..core.errors import TallyError, sentence
from ..figures.ap_curve import ap_curve
from ..figures.evaluate_html import document, frame, picture, table
from ..files import read
from ..files.label_pairs import images_by_name
from ..files.run_record import versions
from .error_pictures import COLOURS, panels
from .evaluate_files import REPORT
from .evaluation import differences, main_score

if TYPE_CHECKING:
    from .evaluation import Evaluation
    from .scores import Scored

WORST = 6  # images that are shown

_OF_OBJECTS = {
    "found": "found, true: partners",
    "missed": "missed (truth)",
    "false": "false (prediction)",
    "merged": "merged: several true ones in one",
    "split": "split: one true one in several",
}
_OF_CLASSES = {
    "found": "the same class in both",
    "missed": "of this class in the truth only",
    "false": "of this class in the prediction only",
}
_WORDS = {
    "images": "images",
    "left_out": "left out",
    "n_true": "true objects",
    "n_predicted": "predicted objects",
    "count_error_mean": "count error, mean over images",
    "count_error_abs_mean": "count error without sign, mean over images",
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
        If the folder of images is none, or the page cannot be written.
    """
    path = folder / REPORT
    known = {} if images is None else images_by_name(images)
    text = page(found, known, worst)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def page(found: Sequence[Evaluation], images: dict[str, Path], worst: int = WORST) -> str:
    """Return the page as HTML; predictions of which no image could be compared are only named."""
    title = "Evaluation of " + ", ".join(one.name for one in found)
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(_made())}</p>", _problems(found)]
    found = [one for one in found if one.scored]
    parts += ["<h2>All images</h2>", _summary(found), _thresholds(found), *map(_fates, found)]
    parts += [_class_table(one, found) for one in found if "classes" in one.summary]
    parts += [_differences(found[0], other) for other in found[1:]]
    parts += [_worst(found, images, worst), *(_all_images(one, found) for one in found)]
    return document(title, parts)


def _made() -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    own = versions().get("napari-tally", "")
    return f"napari-tally {own}, {now}. For research, not for diagnosis."


def _problems(found: Sequence[Evaluation]) -> str:
    said = dict.fromkeys(f"{p.name}: {p.message}" for one in found for p in one.problems)
    return "".join(f'<p class="problem">{escape(line)}</p>' for line in said)


def _summary(found: Sequence[Evaluation]) -> str:
    rows = [
        [words, *(one.summary.get(name, "") for one in found)]
        for name, words in _WORDS.items()
        if any(name in one.summary for one in found)
    ]
    at = found[0].options
    told = (
        f"Precision, recall, F1, SQ, PQ and what became of objects: at an IoU of {at.iou[0]:g}."
        " Merges and splits count objects that have a partner all the same, too."
    )
    note = "" if at.kind == "classes" else f"<p>{told}</p>"
    return table(["", *(one.name for one in found)], rows) + note


def _thresholds(found: Sequence[Evaluation]) -> str:
    tables = [(one.name, one.thresholds) for one in found if len(one.thresholds)]
    tables = [(n, t[t["class"] == "all"] if "class" in t else t) for n, t in tables]
    return f"<h2>AP</h2>{ap_curve(tables)}" if tables else ""


def _fates(one: Evaluation) -> str:
    if not len(one.objects):
        return ""
    sides = {
        "true": ("found", "missed", "merged", "split"),
        "predicted": ("true", "false", "merged", "split"),
    }
    counts = one.objects.groupby(["side", "fate"]).size()
    rows = [
        [f"{side} objects", *(f"{fate} {counts.get((side, fate), 0):,}" for fate in names)]
        for side, names in sides.items()
    ]
    return f"<h2>What became of objects: {escape(one.name)}</h2>" + table([""] * 5, rows)


def _class_table(one: Evaluation, found: Sequence[Evaluation]) -> str:
    rows = one.summary["classes"]
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = [[row.get(name, "") for name in names] for row in rows]
    return f"<h2>Classes{_of(one, found)}</h2>" + table(names, shown)


def _differences(first: Evaluation, other: Evaluation) -> str:
    pairs = differences(first, other).sort_values("difference")
    gain = pairs["difference"]
    said = (
        f"{escape(other.name)} against {escape(first.name)}, image by image: mean difference"
        f" {gain.mean():+.3f}; better in {(gain > 0).sum()}, worse in {(gain < 0).sum()},"
        f" the same in {(gain == 0).sum()} of {len(gain)}."
    )
    return f"<h2>Differences</h2><p>{said}</p>" + frame(pairs)


def _worst(found: Sequence[Evaluation], images: dict[str, Path], count: int) -> str:
    """Return the pictures of the images that have the lowest score in one of the predictions."""
    score = main_score(found[0])
    lowest: dict[str, float] = {}
    for one in found:
        for name, value in zip(one.images["image"], one.images[score], strict=True):
            lowest[name] = min(value, lowest.get(name, value))
    names = sorted(lowest, key=lambda name: (lowest[name], name))[:count]
    parts = ["<h2>The worst images</h2>", _legend(found[0])]
    for name in names:
        parts.append(f"<h3>{escape(name)}</h3>")
        for one in found:
            parts += [_pictured(one, each, images) for each in one.scored if each.name == name]
    return "".join(parts)


def _legend(one: Evaluation) -> str:
    words = _OF_CLASSES if one.options.kind == "classes" else _OF_OBJECTS
    keys = (
        f'<span class="key"><i style="background:{COLOURS[name]}"></i>{text}</span>'
        for name, text in words.items()
    )
    return f"<p>{''.join(keys)}</p>"


def _pictured(one: Evaluation, scored: Scored, images: dict[str, Path]) -> str:
    score = main_score(one)
    value = one.images.set_index("image").loc[scored.name, score]
    said = f"{one.name}: {_WORDS[score].partition(',')[0]} {value:.3f}"
    try:
        image = read(images[scored.name]) if scored.name in images else None
        drawn = panels(scored, one.options, image)
    except TallyError as error:
        return f'<p class="problem">{escape(said)}. {escape(sentence(error))}</p>'
    part = f", {drawn.part}" if drawn.part else ""
    figures = picture(drawn.truth, "Truth") + picture(drawn.predicted, one.name)
    return f'<p>{escape(said + part)}</p><div class="pair">{figures}</div>'


def _all_images(one: Evaluation, found: Sequence[Evaluation]) -> str:
    rows = one.images.sort_values(main_score(one)) if len(one.images) else one.images
    return f"<h2>Each image{_of(one, found)}</h2>" + frame(rows)


def _of(one: Evaluation, found: Sequence[Evaluation]) -> str:
    return f": {escape(one.name)}" if len(found) > 1 else ""
