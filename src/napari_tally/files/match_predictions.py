"""Predicted labels and their ground truth, matched by their names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeGuard

from ..core.errors import InputError
from . import readable, stem
from .expand_inputs import inside, is_folder
from .label_names import CLASSES as _CLASSES
from .label_names import (
    LABELS,
    image_costs,
    label_costs,
    matched,
    note_unused,
    rank,
    split_label,
    without_images,
    without_labels,
)

# Ends of the names of label images. If a folder has several of one image, the first end wins.
OBJECTS = (*LABELS, "")
CLASSES = (_CLASSES, "", *LABELS)
ONLY_CLASSES = (_CLASSES,)

Named = tuple[str, Path, Path]
Source = Path | Sequence[Path]


def paired_labels(
    predicted: Source,
    ground_truth: Source,
    ends: Sequence[str] = OBJECTS,
    suffix: str | None = None,
) -> tuple[list[Named], list[Path]]:
    """Return name, prediction and ground truth of each image, and the files without a match.

    Both are called as labels of one image (see `label_names`) or, if they are classes, `a_classes`,
    in any format and in the same sub-folder. Two single files match whatever their names are.

    Parameters
    ----------
    predicted, ground_truth : Path or sequence of Path
        A folder, a file, or several files, with sub-folders relative to their common folder.
    ends : sequence of str
        Ends of names: `OBJECTS`, `CLASSES` or `ONLY_CLASSES`.
    suffix : str, optional
        How the names of the ground truth end, or a pattern for them; see `split_label`.

    Raises
    ------
    InputError
        If they are neither two files nor folders with label images, nothing matches, or a
        prediction is its own ground truth though there are other labels of its image.
    """
    if _is_file(predicted) and _is_file(ground_truth):
        return [(stem(ground_truth), predicted, ground_truth)], []
    ours = _label_files(predicted, ends, suffix)
    theirs = _label_files(ground_truth, ends, suffix, only=True)
    found = _matched_names(ours, theirs, suffix)
    if not found:
        here, there = shared_folder(predicted), shared_folder(ground_truth)
        raise InputError(
            f"No predictions in {here} have the name of a ground truth in {there}",
            hint=f"Found {len(ours)} and {len(theirs)} label images of other names; "
            "--label-suffix sets how names of the ground truth end",
        )
    same = [ours[a] for a, b in found.items() if ours[a].samefile(theirs[b])]
    twice = next(iter(_with_others(same)), None)
    if twice is not None:
        raise InputError(
            f"{twice} is both prediction and ground truth, though there are other labels beside it",
            hint="Choose both by patterns, such as 'a/*_labels.tif' and 'a/*_gt.tif'",
        )
    used = set(found.values())
    unmatched = [ours[n] for n in sorted(ours.keys() - found.keys())]
    unmatched += [theirs[n] for n in sorted(theirs.keys() - used)]
    return [(name, ours[name], theirs[found[name]]) for name in sorted(found)], unmatched


def _matched_names(
    ours: Mapping[str, Path], theirs: Mapping[str, Path], suffix: str | None
) -> dict[str, str]:
    """Return the name of the ground truth for each prediction that has one."""
    both = [
        {
            name: {
                (PurePosixPath(name).parent / key).as_posix(): cost
                for key, cost in label_costs(stem(path), suffix).items()
            }
            for name, path in files.items()
        }
        for files in (ours, theirs)
    ]
    found = matched(*both)
    before: dict[str, str] = {}
    for prediction, true in found.items():
        if true in before:
            raise _two_labels(true, ours[before[true]], ours[prediction])
        before[true] = prediction
    return found


def _with_others(paths: Sequence[Path]) -> list[Path]:
    """Return labels beside which there are other labels of the same image."""
    beside = [p for folder in {path.parent for path in paths} for p in folder.iterdir()]
    split = {p: split_label(stem(p)) for p in beside if readable(p)}
    count = Counter((p.parent, name) for p, (name, end) in split.items() if end in LABELS)
    return [p for p in paths if count[p.parent, split_label(stem(p))[0]] > 1]


def _is_file(source: Source) -> TypeGuard[Path]:
    return isinstance(source, Path) and not is_folder(source)


def shared_folder(source: Source) -> Path:
    """Return the folder that the names of label images are relative to."""
    if isinstance(source, Path):
        return source
    return Path(os.path.commonpath([path.absolute().parent for path in source]))


def images_by_name(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by the names that `paired_labels` gives their labels.

    Raises
    ------
    InputError
        If it is not a folder.
    """
    if not is_folder(folder):
        raise InputError(f"{folder} is not a folder of images")
    found: dict[str, Path] = {}
    for path in sorted(without_labels(list(inside(folder)))):
        for key in (stem(path), *image_costs(stem(path))):
            found.setdefault((path.parent / key).relative_to(folder).as_posix(), path)
    return found


def _label_files(
    source: Source, ends: Sequence[str], suffix: str | None, *, only: bool = False
) -> dict[str, Path]:
    """Return label images by the name of their image; with `only` those that fit the suffix."""
    if _is_file(source):
        problem = (
            "is a file, but the other input is a folder" if source.exists() else "does not exist"
        )
        raise InputError(f"{source} {problem}", hint="Compare two folders of labels, or two files")
    paths = inside(source, made=True) if isinstance(source, Path) else source
    base = shared_folder(source).absolute()
    best: dict[str, tuple[int, Path]] = {}
    for path in sorted(paths if suffix else without_images(list(paths))):
        name, end = split_label(stem(path), suffix)
        if end != suffix if only and suffix else end not in (*ends, suffix):
            continue
        key = (path.absolute().parent / name).relative_to(base).as_posix()
        place, other = rank(end, ends), best.get(key)
        if other is not None and other[0] == place:
            raise _two_labels(key, other[1], path)
        if other is not None:
            (_, used), (_, left) = sorted((other, (place, path)))
            note_unused(used, left, suffix)
        if other is None or place < other[0]:
            best[key] = place, path
    if not best:
        wanted = f" ending in {suffix or '_' + ends[0]}" if suffix or "" not in ends else ""
        raise InputError(f"There are no label images{wanted} in {shared_folder(source)}")
    return {key: path for key, (_, path) in best.items()}


def _two_labels(name: str, first: Path, second: Path) -> InputError:
    return InputError(
        f"There are two label images of {name}: {first} and {second}",
        hint="Remove one of them, or choose by the end of their names with --label-suffix",
    )
