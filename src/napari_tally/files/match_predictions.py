"""Predicted labels and their ground truth, matched by their names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

from ..core.errors import InputError
from . import stem
from .expand_inputs import inside, is_folder

_ENDS = ("_labels", "_label", "_masks", "_mask", "_classes", "_linked", "_overlay")
# Name endings of label images. If a folder has several of one image, the first ending wins.
OBJECTS = ("_labels", "_label", "_masks", "_mask", "")
CLASSES = ("_classes", "", "_labels", "_label", "_masks", "_mask")
ONLY_CLASSES = ("_classes",)

Named = tuple[str, Path, Path]
Source = Path | Sequence[Path]


def paired_labels(
    predicted: Source, ground_truth: Source, ends: Sequence[str] = OBJECTS
) -> tuple[list[Named], list[Path]]:
    """Return name, prediction and ground truth of each image, and the files without a match.

    The labels of the image `a` are called `a`, `a_labels`, `a_mask` or, if they are classes,
    `a_classes`, in any format and in the same sub-folder. Two single files match whatever their
    names are.

    Parameters
    ----------
    predicted, ground_truth : Path or sequence of Path
        A folder, a file, or several files, with sub-folders relative to their common folder.
    ends : sequence of str
        Name endings: `OBJECTS`, `CLASSES` or `ONLY_CLASSES`.

    Raises
    ------
    InputError
        If they are neither two files nor folders with label images, or nothing matches.
    """
    if _is_file(predicted) and _is_file(ground_truth):
        return [(stem(ground_truth), predicted, ground_truth)], []
    ours, theirs = (_label_files(source, ends) for source in (predicted, ground_truth))
    names = sorted(ours.keys() & theirs.keys())
    if not names:
        here, there = shared_folder(predicted), shared_folder(ground_truth)
        raise InputError(
            f"No predictions in {here} have the name of a ground truth in {there}",
            hint=f"Found {len(ours)} and {len(theirs)} label images of other names",
        )
    unmatched = [files[n] for files in (ours, theirs) for n in sorted(files.keys() - set(names))]
    return [(name, ours[name], theirs[name]) for name in names], unmatched


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
    found = sorted(inside(folder), reverse=True)
    return {(p.parent / stem(p)).relative_to(folder).as_posix(): p for p in found}


def _label_files(source: Source, ends: Sequence[str]) -> dict[str, Path]:
    """Return label images by the name of their image."""
    if _is_file(source):
        problem = (
            "is a file, but the other input is a folder" if source.exists() else "does not exist"
        )
        raise InputError(f"{source} {problem}", hint="Compare two folders of labels, or two files")
    paths = inside(source, made=True) if isinstance(source, Path) else source
    base = shared_folder(source).absolute()
    best: dict[str, tuple[int, Path]] = {}
    for path in sorted(paths):
        name = stem(path)
        end = next((e for e in _ENDS if name.endswith(e)), "")
        if end not in ends:
            continue
        key = (path.absolute().parent / name.removesuffix(end)).relative_to(base).as_posix()
        rank, other = best.get(key, (len(ends), path))
        if rank == ends.index(end):
            raise InputError(
                f"There are two label images of {key}: {other} and {path}",
                hint="Remove one of them",
            )
        if ends.index(end) < rank:
            best[key] = ends.index(end), path
    if not best:
        wanted = f" ending in {ends[0]}" if "" not in ends else ""
        raise InputError(f"There are no label images{wanted} in {shared_folder(source)}")
    return {key: path for key, (_, path) in best.items()}
