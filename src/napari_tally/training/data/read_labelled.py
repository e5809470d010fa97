"""Labelled images of folders, or of a folder and a COCO JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...core.errors import InputError
from ...core.progress import Step, Steps
from ...core.volume import Volume
from ...files import read, stem
from ...files.coco import read_coco
from ...files.match_images_to_labels import Inputs, paired
from .data_split import groups_of
from .labelled_image import Labelled

READ = "read the images"


def folders_steps(
    images: Inputs, labels: Path, masks: Path | None = None, classes: Path | None = None
) -> Steps[list[Labelled]]:
    """Read images and their labels, matched by name; yield after every image.

    Parameters
    ----------
    images : path, or sequence of paths
        Files, folders and patterns.
    labels : Path
        A file, folder or pattern, as `masks` and `classes` are.
    masks : Path, optional
        Annotated regions: where an image has one, its labels are complete only inside.
    classes : Path, optional
        Class ids, where the labels are ids of objects.

    Raises
    ------
    InputError
        If no image has labels, or a file does not fit.
    """
    pairs, unmatched = paired(images, labels)
    others = {
        what: {} if folder is None else dict(paired(images, folder)[0])
        for what, folder in (("masks", masks), ("classes", classes))
    }
    names = _names([image for image, _ in pairs])
    groups = groups_of(dict(zip(names, (image for image, _ in pairs), strict=True)))
    note, found = _unmatched(unmatched), []
    for name, (path, ground_truth) in zip(names, pairs, strict=True):
        image = replace(read(path), name=name)
        mask, kinds = (others[what].get(path) for what in ("masks", "classes"))
        known = None if mask is None else np.asarray(read(mask, labels=True).array) > 0
        beside = None if kinds is None else read(kinds, labels=True)
        objects = read(ground_truth, labels=True)
        found.append(Labelled(name, image, objects, beside, known, groups[name]))
        yield Step(READ, len(found), len(pairs), note)
        note = ""
    return found


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the stems, with the folder where files of several folders share theirs."""
    counts = Counter(stem(path) for path in paths)
    return [stem(p) if counts[stem(p)] == 1 else f"{p.parent.name}/{p.name}" for p in paths]


def _unmatched(paths: Sequence[Path]) -> str:
    if not paths:
        return ""
    listed = ", ".join(path.name for path in paths[:3]) + (", ..." if len(paths) > 3 else "")
    files = "file" if len(paths) == 1 else "files"
    return f"Skipped {len(paths)} unmatched {files}: {listed}"


def coco_steps(images: Path, annotations: Path) -> Steps[tuple[list[Labelled], tuple[str, ...]]]:
    """Read images and their COCO annotations; return them and the names of the classes.

    Raises
    ------
    InputError
        If none of its images is in the folder.
    """
    coco = read_coco(annotations)
    found, missing = [], []
    for number, drawn in enumerate(coco):
        path = images / drawn.file_name
        if path.is_file():
            name = stem(Path(drawn.file_name))
            labels, classes = (
                Volume(a, "YX", is_labels=True) for a in (drawn.objects, drawn.classes)
            )
            known = None if drawn.known.all() else drawn.known
            image = replace(read(path), name=name)
            found.append(Labelled(name, image, labels, classes, known, name))
        else:
            missing.append(path)
        yield Step(READ, number + 1, len(coco.images))
    if not found:
        raise InputError(
            f"None of the images of {annotations} is in {images}",
            hint="Give the folder with the images of the annotations",
        )
    if missing:
        yield Step(READ, 1, 1, _unmatched(missing))
    return found, coco.categories
