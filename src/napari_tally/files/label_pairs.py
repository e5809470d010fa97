"""Match predictions in one folder to ground truth in another by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..core.errors import InputError
from . import format_of, stem
from .expand_inputs import inside

_ENDS = ("_labels", "_label", "_masks", "_mask", "_classes", "_linked", "_overlay")
# Endings of the names of label images; where a folder has several of one image, the first counts.
OBJECTS = ("_labels", "_label", "_masks", "_mask", "")
CLASSES = ("_classes", "", "_labels", "_label", "_masks", "_mask")
ONLY_CLASSES = ("_classes",)

Named = tuple[str, Path, Path]


def paired_labels(
    predicted: Path, ground_truth: Path, ends: Sequence[str] = OBJECTS
) -> tuple[list[Named], list[Path]]:
    """Return name, prediction and ground truth of each image, and the unmatched files.

    The labels of the image `a` are named `a`, `a_labels`, `a_mask` or, if they are classes,
    `a_classes`, in any format, and in the same sub-folder. Two files match whatever their names.

    Parameters
    ----------
    ends : sequence of str
        Endings of names: `OBJECTS`, `CLASSES` or `ONLY_CLASSES`.

    Raises
    ------
    InputError
        If these are not two folders with images, or two files, or no names match.
    """
    if not _is_folder(predicted) and not _is_folder(ground_truth):
        return [(stem(ground_truth), predicted, ground_truth)], []
    found, expected = (_label_files(folder, ends) for folder in (predicted, ground_truth))
    names = sorted(found.keys() & expected.keys())
    if not names:
        raise InputError(
            f"No names of the {len(found)} labels in {predicted} match the {len(expected)} in "
            f"{ground_truth}",
            hint="Name them alike, such as a.tif or a_labels.tif for the image a",
        )
    rest = [
        files[name] for files in (found, expected) for name in sorted(files.keys() - set(names))
    ]
    return [(name, found[name], expected[name]) for name in names], rest


def images_by_name(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by the names that `paired_labels` gives to their labels.

    Raises
    ------
    InputError
        If it is not a folder.
    """
    if not _is_folder(folder):
        raise InputError(f"{folder} is not a folder of images")
    found = sorted(inside(folder), reverse=True)
    return {(p.parent / stem(p)).relative_to(folder).as_posix(): p for p in found}


def _is_folder(path: Path) -> bool:
    return path.is_dir() and format_of(path) is None


def _label_files(folder: Path, ends: Sequence[str]) -> dict[str, Path]:
    """Return the label images of a folder by the names of their images."""
    if not _is_folder(folder):
        problem = "is not a folder of labels" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {problem}", hint="Give two folders of labels, or two files")
    best: dict[str, tuple[int, Path]] = {}
    for path in sorted(inside(folder, made=True)):
        name = stem(path)
        end = next((e for e in _ENDS if name.endswith(e)), "")
        if end not in ends:
            continue
        key = (path.parent / name.removesuffix(end)).relative_to(folder).as_posix()
        rank, other = best.get(key, (len(ends), path))
        if rank == ends.index(end):
            raise InputError(f"{folder} has two label images of {key}: {other} and {path}")
        if ends.index(end) < rank:
            best[key] = ends.index(end), path
    if not best:
        raise InputError(f"The folder {folder} has no label images")
    return {key: path for key, (_, path) in best.items()}
