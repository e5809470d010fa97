"""Labelled images of folders, or of a folder and a COCO JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...core.errors import FileError, InputError
from ...core.progress import Step, Steps
from ...core.volume import Volume
from ...files import read, stem
from ...files.coco import Annotated, file_name, image_file, read_coco
from ...files.match_images_to_labels import Inputs, paired
from .data_split import groups_of
from .labelled_image import Labelled, annotated

READ = "read the images"


def folders_steps(
    images: Inputs,
    labels: Path,
    masks: Path | None = None,
    classes: Path | None = None,
    *,
    suffix: str | None = None,
    resample: bool = False,
) -> Steps[list[Labelled]]:
    """Read images and their labels, matched by name; yield after every image.

    A damaged file is left out with a note.

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
    suffix : str, optional
        How the names of labels end, or a pattern for them; see `split_label`.
    resample : bool
        Resample masks on another grid than that of their image.

    Raises
    ------
    InputError
        If no image has labels, or a file does not fit.
    FileError
        If all images or their labels are damaged.
    """
    pairs, unmatched = paired(images, labels, suffix)
    others = {
        what: {} if folder is None else dict(paired(images, folder)[0])
        for what, folder in (("masks", masks), ("classes", classes))
    }
    names = _names([image for image, _ in pairs])
    groups = groups_of(dict(zip(names, (image for image, _ in pairs), strict=True)))
    found, damaged = [], None
    yield Step(READ, 0, len(pairs), _unmatched(unmatched))
    for number, (name, (path, ground_truth)) in enumerate(zip(names, pairs, strict=True)):
        note = ""
        try:
            image = replace(read(path), name=name)
            mask, kinds = (others[what].get(path) for what in ("masks", "classes"))
            region = None if mask is None else read(mask, labels=True)
            known = None if region is None else annotated(region, image, resample=resample)
            beside = None if kinds is None else read(kinds, labels=True)
            objects = read(ground_truth, labels=True)
        except FileError as error:
            damaged, note = error, f"Skipped {name}: {str(error).rstrip('.')}"
        else:
            found.append(Labelled(name, image, objects, beside, known, groups[name]))
        yield Step(READ, number + 1, len(pairs), note)
    if damaged is not None and not found:
        raise damaged
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
    files = [image_file(images, file_name(image)) for image in coco.images]
    found_files = [path for path in files if path is not None]
    if not found_files:
        raise InputError(
            f"None of the images of {annotations} is in {images}",
            hint="Give the folder with the images of the annotations",
        )
    path, count = Counter(found_files).most_common(1)[0]
    if count > 1:
        raise InputError(
            f"{count} images of {annotations} are the file {path}",
            hint="Put images of the same name into folders, as in their annotations",
        )
    names = dict(zip(found_files, _names(found_files), strict=True))
    missing = [images / file_name(e) for e, f in zip(coco.images, files, strict=True) if f is None]
    found, boxes, empty = [], 0, 0
    for number, (entry, file) in enumerate(zip(coco.images, files, strict=True)):
        if file is None:
            continue
        image = replace(read(file), name=names[file])
        drawn = coco.drawn(entry, image.spatial_shape[-2:])
        boxes, empty = boxes + drawn.boxes, empty + drawn.empty
        if drawn.known.any():
            found.append(_annotated(image, drawn))
        yield Step(READ, number + 1, len(coco.images))
    notes = (
        _unmatched(missing),
        _counted(boxes, "without outline: neither objects nor background are learnt there"),
        _counted(empty, "without a pixel in its image"),
        _counted(coco.lost, "of images that are not listed"),
    )
    for note in filter(None, notes):
        yield Step(READ, 1, 1, note)
    if not found:
        raise InputError(
            f"No annotation of {annotations} has an outline, so there is nothing to learn from",
            hint="Annotate objects with polygons or masks instead of boxes",
        )
    return found, coco.categories


def _annotated(image: Volume, drawn: Annotated) -> Labelled:
    labels, classes = (Volume(a, "YX", is_labels=True) for a in (drawn.objects, drawn.classes))
    known = None if drawn.known.all() else drawn.known
    return Labelled(image.name, image, labels, classes, known, image.name, drawn.full)


def _counted(count: int, what: str) -> str:
    return f"Skipped {count:,} annotation{'s' * (count != 1)} {what}" if count else ""
