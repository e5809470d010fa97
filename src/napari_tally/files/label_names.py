"""Names of images and of their labels: the one list for all commands.

`a_masks` are the labels of `a`, `mask_1` of `img_1`, `man_seg000` of `t000`, and `case` of
`case_0000` (nnU-Net). Other names need a pattern (`MatchOptions.label_suffix`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..core.errors import InputError
from . import stem
from .formats.voxel_size import logger

# Ends of the names of labels. If an image has several labels, the first end wins.
LABELS = (
    "labels", "label", "masks", "mask", "cp_masks", "seg", "segmentation", "gt", "dseg", "lbl",
    "annotation", "annotations", "ground_truth", "groundtruth", "manual", "gtfine_instanceids",
    "instanceids", "gtfine_labelids", "labelids",
)  # fmt: skip
CLASSES = "classes"
DRAWN = ("overlay", "linked", "components")  # ends of our own outputs that are no labels of images
_IMAGES = (
    r"\d{4}", "img", "image", "im", "raw", "t1w", "t2w", "t2starw", "pdw", "flair", "t1", "t2",
    "t1ce", "t1gd", "t1c", "t1n", "t2f", "bold", "dwi", "adc", "ct", "pet", "mr", "mri",
    "leftimg8bit",
)  # fmt: skip
_LABEL_PREFIXES = (
    "man_seg", "man_track", "cp_masks", "masks", "mask", "labels", "label", "segmentation", "seg",
    "gt", "lbl", "annotation",
)  # fmt: skip
_IMAGE_PREFIXES = ("img", "images", "image", "im", "raw", "volume", "vol", r"t(?=\d)")

_BETWEEN = r"[_\-. ]"


def _ending(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(.+?){_BETWEEN}({'|'.join(words)})", re.IGNORECASE)


def _beginning(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"({'|'.join(words)})(?:{_BETWEEN}(.+)|(\d.*))", re.IGNORECASE)


_LABEL_END = _ending((*LABELS, CLASSES, *DRAWN))
_IMAGE_END = _ending(_IMAGES)
_LABEL_START, _IMAGE_START = _beginning(_LABEL_PREFIXES), _beginning(_IMAGE_PREFIXES)
_ALWAYS = re.compile(r"(man_(seg|track)_?\d+.*)|(.+[_\-. ](cp_masks|dseg))", re.IGNORECASE)


def split_label(name: str, pattern: str | None = None) -> tuple[str, str]:
    """Return the name of the image that labels are of, and the end that says so: a, "labels".

    Without such an end, the name itself and "". A pattern is the end itself, or a text with `*` in
    place of the image's name.
    """
    if pattern:
        before, star, after = pattern.partition("*")
        before, after = (before, after) if star else ("", pattern)
        fits = name.startswith(before) and name.endswith(after) and len(name) > len(before + after)
        if fits:
            return name[len(before) : len(name) - len(after)], pattern
    found = _LABEL_END.fullmatch(name)
    return (found[1], found[2].lower()) if found else (name, "")


def rank(end: str, order: Sequence[str] = (*LABELS, "")) -> int:
    """Return the place of an end of `split_label` in an order of preference; patterns are first."""
    return order.index(end) if end in order else -1


def _image_keys(name: str) -> list[str]:
    """Return the names that an image shares with its labels, the likeliest first."""
    found = [name]
    if end := _IMAGE_END.fullmatch(name):
        found.append(end[1])
    if start := _IMAGE_START.fullmatch(name):
        found.append(start[2] or start[3])
    return found


def _label_keys(name: str, pattern: str | None = None) -> list[str]:
    base, end = split_label(name, pattern)
    if pattern and end == pattern:
        return [base]
    found = [name, base] if end else [name]
    if start := _LABEL_START.fullmatch(name):
        found.append(start[2] or start[3])
    return found


def _costs(names: Iterable[str]) -> dict[str, int]:
    costs: dict[str, int] = {}
    for cost, name in enumerate(names):
        costs.setdefault(_folded(name), cost)
    return costs


def _folded(name: str) -> str:
    """Return a name without differences in case, and in how accents are encoded (macOS)."""
    return unicodedata.normalize("NFC", name).casefold()


def image_costs(name: str) -> dict[str, int]:
    """Return the names that labels of an image may have, with how far-fetched they are."""
    return _costs(_image_keys(name))


def label_costs(name: str, pattern: str | None = None) -> dict[str, int]:
    """Return the names that the image of labels may have, with how far-fetched they are."""
    return _costs(key for base in _label_keys(name, pattern) for key in _image_keys(base))


def matched(
    labels: Mapping[str, Mapping[str, int]], images: Mapping[str, Mapping[str, int]]
) -> dict[str, str]:
    """Return the image of each label that has one.

    Parameters
    ----------
    labels, images : dict
        For each name the costs of `label_costs` and `image_costs`.

    Raises
    ------
    InputError
        If labels have several images that are equally likely: channels in files of their own.
    """
    by_key: dict[str, dict[int, list[str]]] = {}
    for image, costs in images.items():
        for key, cost in costs.items():
            by_key.setdefault(key, {}).setdefault(cost, []).append(image)
    found = {}
    for label, costs in labels.items():
        near = [
            (own + cost, key, cost) for key, own in costs.items() for cost in by_key.get(key, ())
        ]
        if not near:
            continue
        least = min(near)[0]
        best = sorted({i for total, key, c in near if total == least for i in by_key[key][c]})
        if len(best) > 1:
            raise InputError(
                f"Several images have the labels {label}: {', '.join(best[:4])}",
                hint="Stack channels that are in files of their own (tally convert --stack C), or "
                "use one folder at a time",
            )
        found[label] = best[0]
    return found


def without_labels(paths: Sequence[Path]) -> list[Path]:
    """Return images, without files that are the labels of another one in the same folder."""
    images = {(path.parent, key) for path in paths for key in image_costs(stem(path))}
    return [path for path in paths if images.isdisjoint(_image_places(path))]


def without_images(paths: Sequence[Path]) -> list[Path]:
    """Return labels, without files of which others in the same folder are the labels."""
    named = (path for path in paths if split_label(stem(path))[1] not in (CLASSES, *DRAWN))
    labelled = {place for path in named for place in _image_places(path)}
    return [
        path
        for path in paths
        if labelled.isdisjoint((path.parent, key) for key in image_costs(stem(path)))
    ]


def note_unused(used: Path, other: Path, suffix: str | None) -> None:
    """Say which of two labels of an image are used; a file without their ends is no labels."""
    if all(split_label(stem(path), suffix)[1] in (*LABELS, suffix) for path in (used, other)):
        text = "%s is used, not %s. To choose by the end of the name, set --label-suffix."
        logger.warning(text, used.name, other.name)


def _image_places(labels: Path) -> set[tuple[Path, str]]:
    """Return folder and possible names of an image, if a file is called as the labels of one."""
    return {(labels.parent, _folded(key)) for key in _label_keys(stem(labels))[1:]}


def is_always_label(name: str) -> bool:
    """Return whether a name is that of labels, whatever is beside it."""
    return bool(_ALWAYS.fullmatch(name))
