"""The scores of an evaluation as tables: one row per image, class, object or threshold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from ..metrics.aji import Aggregated
from ..metrics.match import Matches, pooled

if TYPE_CHECKING:
    import pandas as pd

    from .options import Kind
    from .scores import ClassScore, Scored

_POWERS = {2: "area", 3: "volume"}


def images_table(scored: Sequence[Scored]) -> pd.DataFrame:
    """Return one row per image; see docs/background/metrics.md for the columns."""
    import pandas as pd

    return pd.DataFrame([_image_row(each) for each in scored])


def _image_row(scored: Scored) -> dict[str, Any]:
    row: dict[str, Any] = {"image": scored.name}
    if scored.matches:
        row |= _counts(scored.matches) | _scores(scored.matches[0]) | _aps(scored.matches)
        row |= {"aji": scored.aggregated.aji, "merges": scored.merges, "splits": scored.splits}
    if scored.classes or not scored.matches:
        dice = [score.agreement.dice for score in scored.classes.values()]
        row |= {"classes": len(dice), "mean_dice": _mean(dice)}
    return row | {"note": "; ".join(scored.notes)}


def _counts(matches: Sequence[Matches]) -> dict[str, int]:
    n_true, n_predicted = matches[0].tp + matches[0].fn, matches[0].tp + matches[0].fp
    error = n_predicted - n_true
    return {
        "n_true": n_true,
        "n_predicted": n_predicted,
        "count_error": error,
        "count_error_abs": abs(error),
    }


def _scores(matches: Matches) -> dict[str, float]:
    names = ("tp", "fp", "fn", "precision", "recall", "f1", "pq", "sq")
    return {name: getattr(matches, name) for name in names} | {"rq": matches.f1}


def _aps(matches: Sequence[Matches]) -> dict[str, float]:
    aps = {f"ap_{m.iou:.2f}": m.ap for m in matches}
    return {"mean_ap": _mean(aps.values()), **aps}


def classes_table(scored: Sequence[Scored]) -> pd.DataFrame:
    """Return one row per image and class."""
    import pandas as pd

    rows = [
        {"image": each.name, **_class_row(score, each)}
        for each in scored
        for score in each.classes.values()
    ]
    return pd.DataFrame(rows)


def _class_row(score: ClassScore, scored: Scored) -> dict[str, Any]:
    agreed, unit, power = score.agreement, scored.unit, len(scored.spacing)
    size, voxel = _POWERS[power], math.prod(scored.spacing)
    row: dict[str, Any] = {
        "class": agreed.class_id,
        "dice": agreed.dice,
        "iou": agreed.iou,
        f"hd95_{unit}": agreed.hd95,
        f"assd_{unit}": agreed.assd,
        "nsd": agreed.nsd,
        f"{size}_true_{unit}{power}": voxel * agreed.true,
        f"{size}_predicted_{unit}{power}": voxel * agreed.predicted,
        f"{size}_difference_{unit}{power}": voxel * (agreed.predicted - agreed.true),
        f"{size}_difference_relative": agreed.predicted / agreed.true - 1
        if agreed.true
        else math.nan,
    }
    if score.segments is not None:
        row |= {name: float(getattr(score.segments, name)[0]) for name in ("pq", "sq", "rq")}
        row |= _counts(score.matches) | _aps(score.matches)
    return row


def objects_table(scored: Sequence[Scored]) -> pd.DataFrame:
    """Return one row per object: its image and its match outcome."""
    import pandas as pd

    tables = [(each.name, each.objects) for each in scored if each.objects is not None]
    if not tables:
        return pd.DataFrame()
    filled = [(name, table) for name, table in tables if len(table)] or tables[:1]
    return pd.concat(
        [t.assign(image=n)[["image", *t.columns]] for n, t in filled], ignore_index=True
    )


def thresholds_table(scored: Sequence[Scored], kind: Kind) -> pd.DataFrame:
    """Return one row per IoU threshold: of all objects, then of each class."""
    import pandas as pd

    rows = _threshold_rows([each.matches for each in scored if each.matches])
    if kind == "panoptic":
        rows = [{"class": "all", **row} for row in rows]
        for number, scores in _by_class(scored).items():
            some = _threshold_rows([score.matches for score in scores])
            rows += [{"class": number, **row} for row in some]
    return pd.DataFrame(rows)


def _threshold_rows(images: Sequence[Sequence[Matches]]) -> list[dict[str, Any]]:
    return [
        {"iou": total.iou, **_scores(total), "ap": total.ap, "ap_mean": _mean(m.ap for m in each)}
        for total, each in zip(pooled(images), zip(*images, strict=True), strict=True)
    ]


def summary_of(
    scored: Sequence[Scored], images: pd.DataFrame, classes: pd.DataFrame, kind: Kind
) -> dict[str, Any]:
    """Return the scores over all images, given the tables of images and of classes."""
    numbers: dict[str, Any] = {}
    if not scored:
        return numbers
    if kind != "classes":
        numbers |= _instances(scored, images)
    if kind != "instances":
        rows = _class_summaries(scored, classes)
        numbers |= {"mean_dice": _mean(row["dice"] for row in rows), "classes": rows}
    return numbers


def _instances(scored: Sequence[Scored], images: pd.DataFrame) -> dict[str, Any]:
    together = pooled([each.matches for each in scored])
    jaccard = reduce(add, (each.aggregated for each in scored), Aggregated(0, 0))
    errors = images["count_error"]
    return {
        **_counts(together),
        "count_error_mean": float(errors.mean()),
        "count_error_abs_mean": float(errors.abs().mean()),
        "iou": together[0].iou,
        **_scores(together[0]),
        "mean_ap": float(images["mean_ap"].mean()),
        "mean_ap_pooled": _mean(m.ap for m in together),
        "aji": jaccard.aji,
        "aji_mean": float(images["aji"].mean()),
        "merges": int(images["merges"].sum()),
        "splits": int(images["splits"].sum()),
    }


def _class_summaries(scored: Sequence[Scored], classes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the mean scores of each class over the images in which it occurs on either side."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for number, own in classes.groupby("class") if len(classes) else ():
        means = own.drop(columns=["image", "class"]).select_dtypes("number").mean()
        scores = [s.agreement for s in _by_class(scored)[number]]
        voxels = sum(a.predicted + a.true for a in scores)
        row = {
            "class": number,
            "images": len(own),
            "without_distance": int(own.filter(regex="^hd95_").isna().all(axis=1).sum()),
            **means[pd.notna(means)].to_dict(),
            "dice_pooled": 2 * sum(a.shared for a in scores) / voxels,
        }
        rows.append(row | _pooled_segments(_by_class(scored)[number]))
    return rows


def _pooled_segments(scores: Sequence[ClassScore]) -> dict[str, float]:
    """Return the panoptic quality pooled over images, as it is defined."""
    counts = [score.segments for score in scores if score.segments is not None]
    if not counts:
        return {}
    together = reduce(add, counts)
    return {name: float(getattr(together, name)[0]) for name in ("pq", "sq", "rq")}


def _by_class(scored: Sequence[Scored]) -> dict[int, list[ClassScore]]:
    numbers = sorted({number for each in scored for number in each.classes})
    return {n: [e.classes[n] for e in scored if n in e.classes] for n in numbers}


def summary_line(numbers: dict[str, Any], ious: Sequence[float]) -> str:
    """Return the main scores of a summary in one line."""
    count, left_out = numbers["images"], numbers["left_out"]
    parts = [f"{count} image{'s' * (count != 1)}" + (f" ({left_out} left out)" * bool(left_out))]
    if "tp" in numbers:
        names = (
            (f"mean AP {min(ious):g} to {max(ious):g}", "mean_ap"),
            (f"F1 at {numbers['iou']:g}", "f1"),
            ("PQ", "pq"),
            ("AJI", "aji"),
        )
        parts += [f"{word} {numbers[name]:.3f}" for word, name in names]
        parts.append(f"{numbers['n_predicted']:,} objects of {numbers['n_true']:,}")
        parts.append(f"{numbers['merges']} merges, {numbers['splits']} splits")
    for row in numbers.get("classes", []):
        distance = [f", HD95 {v:.3g} {k[5:]}" for k, v in row.items() if k.startswith("hd95_")]
        parts.append(f"class {row['class']}: Dice {row['dice']:.3f}{''.join(distance)}")
    return "; ".join(parts)


def _mean(values: Iterable[float]) -> float:
    """Return the mean without NaN, or NaN if nothing is left."""
    known = [v for v in values if not math.isnan(v)]
    return float(np.mean(known)) if known else math.nan
