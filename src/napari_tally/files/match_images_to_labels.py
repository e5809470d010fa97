"""Match labels with images by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError
from . import readable, stem
from .expand_inputs import expand, is_folder, is_pattern, pattern_files
from .label_names import (
    CLASSES,
    DRAWN,
    image_costs,
    label_costs,
    matched,
    note_unused,
    rank,
    split_label,
    without_images,
)

Inputs = str | Path | Sequence[str | Path]


def paired(
    images: Inputs, labels: Path, suffix: str | None = None
) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Return images with their labels, and the files that have no match.

    Labels have a name that belongs to the image (see `label_names`). One image and one label file
    match whatever their names are.

    Parameters
    ----------
    images : path, or sequence of paths
        Files, folders and patterns.
    labels : path
        A file, folder or pattern.
    suffix : str, optional
        How the names of labels end, or a pattern for them; see `split_label`.

    Raises
    ------
    InputError
        If an input does not exist, nothing matches, or an image has several labels.
    """
    found = [source.path for source in expand(_listed(images), quiet=True)]
    sources = [path for path in found if not _fits(path, suffix)]
    for path in (*sources, labels):
        _check_there(path)
    if len(sources) == 1 and not is_pattern(labels) and not is_folder(labels):
        return [(sources[0], labels)], []
    named = _by_name([labels], sources, suffix)
    of_image: dict[Path, Path] = {}
    for label, image in _images_of(named.values(), sources, suffix).items():
        if image in of_image:
            raise _two_labels(image.name, of_image[image], label)
        of_image[image] = label
    if not of_image:
        raise InputError(
            f"No labels in {labels} have the name of an image in {_joined(images)}",
            hint=f"Found {len(sources)} images and {len(named)} label images of other names; "
            "--label-suffix sets how names of labels end",
        )
    used = set(of_image.values())
    pairs = [(path, of_image[path]) for path in sources if path in of_image]
    unmatched = [path for path in sources if path not in of_image]
    return pairs, unmatched + [path for path in named.values() if path not in used]


@dataclass(frozen=True, slots=True)
class Row:
    """Labels with the files of the same name.

    Attributes
    ----------
    name : str
        The name that the files share.
    labels : Path
    images : tuple of Path
        One from each source of images.
    parents : Path, optional
    """

    name: str
    labels: Path
    images: tuple[Path, ...] = ()
    parents: Path | None = None


def match_rows(
    labels: Inputs,
    images: Sequence[Path] = (),
    parents: Path | None = None,
    suffix: str | None = None,
) -> tuple[list[Row], list[Path], list[Path]]:
    """Return labels, each with its match in every source of images and in the parents.

    Images and labels may be in one folder, as `a.tif` beside `a_labels.tif`.

    Parameters
    ----------
    labels : path, or sequence of paths
        Files, folders and patterns.
    images : sequence of Path
        Each folder and each pattern is a source; files are one source together.
    parents : Path, optional
        A file, folder or pattern.
    suffix : str, optional
        How the names of labels end, or a pattern for them; see `split_label`.

    Returns
    -------
    rows : list of Row
    unmatched : list of Path
        Labels without a match somewhere.
    unused : list of Path
        Images and parents without labels.

    Raises
    ------
    InputError
        If an input does not exist or holds no images.
    """
    sources = _image_sources(images, suffix)
    taken = {path for paths in sources for path in paths}
    others = [] if parents is None else list(_by_name([parents], taken).values())
    own = _by_name(_listed(labels), taken, suffix)
    if not own:
        raise InputError(f"There are no labels in {_joined(labels)}")
    partners = [_images_of(own.values(), paths, suffix) for paths in sources]
    held = _images_of(own.values(), others, suffix)
    rows = [
        Row(name, path, tuple(found[path] for found in partners), held.get(path))
        for name, path in own.items()
        if all(path in found for found in partners) and (parents is None or path in held)
    ]
    used = {p for row in rows for p in (row.labels, *row.images, row.parents)}
    unmatched = [path for path in own.values() if path not in used]
    return rows, unmatched, sorted((taken | set(others)) - used - set(unmatched))


def _images_of(
    labels: Iterable[Path], images: Iterable[Path], suffix: str | None
) -> dict[Path, Path]:
    """Return the image of each label file that has one; the images may be labels themselves."""
    files = {str(path): path for path in (*labels, *images)}
    found = matched(
        {str(path): label_costs(stem(path), suffix) for path in labels},
        {str(path): image_costs(stem(path)) | label_costs(stem(path)) for path in images},
    )
    return {files[label]: files[image] for label, image in found.items()}


def _image_sources(images: Sequence[Path], suffix: str | None) -> list[list[Path]]:
    files = [path for path in images if not is_pattern(path) and not is_folder(path)]
    groups = [[path] for path in images if path not in files]
    for path in images:
        _check_there(path)
    found = [[s.path for s in expand(g, quiet=True)] for g in (*groups, files) if g]
    return [[p for p in paths if not _fits(p, suffix)] for paths in found]


def is_one(inputs: Sequence[Path]) -> bool:
    """Return whether the inputs are one file (or a folder that is one image)."""
    return len(inputs) == 1 and not is_folder(inputs[0]) and not is_pattern(inputs[0])


def bare(path: Path) -> str:
    """Return the name that labels share with their image: `a` of `a_labels.tif`."""
    return split_label(stem(path))[0]


def _fits(path: Path, suffix: str | None) -> bool:
    """Return whether a file is called as the pattern of labels says."""
    return bool(suffix) and split_label(stem(path), suffix)[1] == suffix


def _listed(inputs: Inputs) -> list[str | Path]:
    return [inputs] if isinstance(inputs, str | Path) else list(inputs)


def _joined(inputs: Inputs) -> str:
    return ", ".join(map(str, _listed(inputs)))


def _check_there(path: Path) -> None:
    if not path.exists() and not is_pattern(path):
        raise InputError(f"{path} does not exist")


def _by_name(
    inputs: Sequence[str | Path], others: Collection[Path], suffix: str | None = None
) -> dict[str, Path]:
    """Return label images by name, without `others` and our outputs that are not labels.

    Of several files of one name in a folder, such as an image and its labels, the one with the
    likeliest end is taken.
    """
    found: dict[str, Path] = {}
    for source in map(Path, inputs):
        own: dict[str, Path] = {}
        for path in _label_files(source, others, suffix):
            name = split_label(stem(path), suffix)[0]
            before = own.setdefault(name, path)
            if before == path:
                continue
            if _rank(path, suffix) == _rank(before, suffix):
                raise _two_labels(name, before, path)
            best, other = sorted((path, before), key=lambda p: _rank(p, suffix))
            own[name] = best
            note_unused(best, other, suffix)
        twice = next((name for name in own if found.get(name, own[name]) != own[name]), None)
        if twice is not None:
            raise _two_labels(twice, found[twice], own[twice])
        found |= own
    return found


def _rank(path: Path, suffix: str | None) -> int:
    return rank(split_label(stem(path), suffix)[1])


def _two_labels(name: str, first: Path, second: Path) -> InputError:
    return InputError(
        f"Two label images have the name {name}: {first} and {second}",
        hint="Use one folder at a time, or choose by the end of their names with --label-suffix",
    )


def _label_files(source: Path, others: Collection[Path], suffix: str | None) -> list[Path]:
    _check_there(source)
    if not is_pattern(source) and not is_folder(source):
        return [source]
    paths = pattern_files(source) if is_pattern(source) else filter(readable, source.iterdir())
    given = [p for p in paths if not p.name.startswith(".") and p not in others]
    given = given if suffix else without_images(given)
    return sorted(path for path in given if _may_be_labels(path, suffix))


def _may_be_labels(path: Path, suffix: str | None) -> bool:
    """Return whether a name is that of labels of objects, not of another output of ours."""
    end = split_label(stem(path), suffix)[1]
    return end == suffix if suffix else end not in (CLASSES, *DRAWN)
