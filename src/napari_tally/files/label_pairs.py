"""Predicted and true labels in two folders, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.errors import InputError
from . import format_of, stem
from .expand_inputs import inside

_ENDS = ("_labels", "_label", "_masks", "_mask", "_classes", "_linked", "_overlay")
# What the names of label images may end with; where a folder has several of one image, the first.
OBJECTS = ("_labels", "_label", "_masks", "_mask", "")
CLASSES = ("_classes", "", "_labels", "_label", "_masks", "_mask")
ONLY_CLASSES = ("_classes",)

Named = tuple[str, Path, Path]


def paired_labels(
    predicted: Path, truth: Path, ends: Sequence[str] = OBJECTS
) -> tuple[list[Named], list[Path]]:
    """Return name, prediction and truth of each image, and the files without a partner.

    The labels of the image `a` are called `a`, `a_labels`, `a_mask` or, if they are classes,
    `a_classes`, in any format, and in the same sub-folder. Two files are partners whatever they are
    called.

    Parameters
    ----------
    ends : sequence of str
        What names may end with: `OBJECTS`, `CLASSES` or `ONLY_CLASSES`.

    Raises
    ------
    InputError
        If these are not two folders with images, or two files, or there is no pair.
    """
    if not _is_folder(predicted) and not _is_folder(truth):
        return [(stem(truth), predicted, truth)], []
    ours, theirs = (_label_files(folder, ends) for folder in (predicted, truth))
    names = sorted(ours.keys() & theirs.keys())
    if not names:
        raise InputError(
            f"Labels in {predicted} with the names of those in {truth} are needed",
            f"{len(ours)} and {len(theirs)} of other names",
        )
    alone = [files[name] for files in (ours, theirs) for name in sorted(files.keys() - set(names))]
    return [(name, ours[name], theirs[name]) for name in names], alone


def images_by_name(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by what their labels are called in `paired_labels`.

    Raises
    ------
    InputError
        If it is no folder.
    """
    if not _is_folder(folder):
        raise InputError("A folder of images is needed", str(folder))
    found = sorted(inside(folder), reverse=True)
    return {(p.parent / stem(p)).relative_to(folder).as_posix(): p for p in found}


def _is_folder(path: Path) -> bool:
    return path.is_dir() and format_of(path) is None


def _label_files(folder: Path, ends: Sequence[str]) -> dict[str, Path]:
    """Return the label images of a folder by what their image is called."""
    if not _is_folder(folder):
        got = str(folder) if folder.exists() else f"{folder}, which does not exist"
        raise InputError("Two folders of labels, or two files, are needed", got)
    best: dict[str, tuple[int, Path]] = {}
    for path in sorted(inside(folder, made=True)):
        name = stem(path)
        end = next((e for e in _ENDS if name.endswith(e)), "")
        if end not in ends:
            continue
        key = (path.parent / name.removesuffix(end)).relative_to(folder).as_posix()
        rank, other = best.get(key, (len(ends), path))
        if rank == ends.index(end):
            raise InputError(f"One label image of {key} is needed in {folder}", f"{other}, {path}")
        if ends.index(end) < rank:
            best[key] = ends.index(end), path
    if not best:
        raise InputError(
            "A folder with label images is needed", f"{folder}, in which there is none"
        )
    return {key: path for key, (_, path) in best.items()}
