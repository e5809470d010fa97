"""Match labels with images by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError
from . import readable, stem
from .expand_inputs import MADE as OURS
from .expand_inputs import expand, is_folder, is_pattern, pattern_files

Inputs = str | Path | Sequence[str | Path]

_ENDS = ("_labels", "_label", "_masks", "_mask")


def paired(images: Inputs, labels: Path) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Return images with their labels, and the files that have no match.

    Labels have the name of their image, up to the suffix and `_labels` or `_mask`. One image
    and one label file match whatever their names are.

    Parameters
    ----------
    images : path, or sequence of paths
        Files, folders and patterns.
    labels : path
        A file, folder or pattern.

    Raises
    ------
    InputError
        If an input does not exist, or nothing matches.
    """
    sources = [source.path for source in expand(_listed(images))]
    for path in (*sources, labels):
        _check_there(path)
    if len(sources) == 1 and not is_pattern(labels) and not is_folder(labels):
        return [(sources[0], labels)], []
    named = _by_name([labels], sources)
    pairs = [(path, named[stem(path)]) for path in sources if stem(path) in named]
    if not pairs:
        raise InputError(
            f"No labels in {labels} have the name of an image in {_joined(images)}",
            hint=f"Found {len(sources)} images and {len(named)} label images of other names",
        )
    used = {label for _, label in pairs}
    unmatched = [path for path in sources if stem(path) not in named]
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
    labels: Inputs, images: Sequence[Path] = (), parents: Path | None = None
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
    sources = _image_sources(images)
    taken = {path for paths in sources for path in paths}
    others = [{stem(path): path for path in paths} for paths in sources]
    parents_by_name = None if parents is None else _by_name([parents], taken)
    own = _by_name(_listed(labels), taken)
    if not own:
        raise InputError(f"There are no labels in {_joined(labels)}")
    rows = [
        Row(
            name,
            path,
            tuple(o[name] for o in others),
            None if parents_by_name is None else parents_by_name[name],
        )
        for name, path in own.items()
        if all(name in o for o in others) and (parents_by_name is None or name in parents_by_name)
    ]
    used = {p for row in rows for p in (row.labels, *row.images, row.parents)}
    unmatched = [path for path in own.values() if path not in used]
    other_files = taken | set((parents_by_name or {}).values())
    return rows, unmatched, sorted(other_files - used - set(unmatched))


def _image_sources(images: Sequence[Path]) -> list[list[Path]]:
    files = [path for path in images if not is_pattern(path) and not is_folder(path)]
    groups = [[path] for path in images if path not in files]
    for path in images:
        _check_there(path)
    return [[s.path for s in expand(group)] for group in (*groups, files) if group]


def is_one(inputs: Sequence[Path]) -> bool:
    """Return whether the inputs are one file (or a folder that is one image)."""
    return len(inputs) == 1 and not is_folder(inputs[0]) and not is_pattern(inputs[0])


def bare(path: Path) -> str:
    """Return the name that labels share with their image: `a` of `a_labels.tif`."""
    name = stem(path)
    for end in _ENDS:
        name = name.removesuffix(end)
    return name


def _listed(inputs: Inputs) -> list[str | Path]:
    return [inputs] if isinstance(inputs, str | Path) else list(inputs)


def _joined(inputs: Inputs) -> str:
    return ", ".join(map(str, _listed(inputs)))


def _check_there(path: Path) -> None:
    if not path.exists() and not is_pattern(path):
        raise InputError(f"{path} does not exist")


def _by_name(inputs: Sequence[str | Path], others: Collection[Path]) -> dict[str, Path]:
    """Return label images by name, without `others` and our outputs that are not labels."""
    found: dict[str, Path] = {}
    for source in map(Path, inputs):
        own: dict[str, Path] = {}
        for path in _label_files(source, others):
            own.setdefault(bare(path), path)
        twice = next((name for name in own if found.get(name, own[name]) != own[name]), None)
        if twice is not None:
            raise InputError(
                f"Two label images have the name {twice}: {found[twice]} and {own[twice]}",
                hint="Use one folder at a time",
            )
        found |= own
    return found


def _label_files(source: Path, others: Collection[Path]) -> list[Path]:
    _check_there(source)
    if not is_pattern(source) and not is_folder(source):
        return [source]
    paths = pattern_files(source) if is_pattern(source) else filter(readable, source.iterdir())
    return sorted(
        path
        for path in paths
        if not path.name.startswith(".") and path not in others and not _other_output(path)
    )


def _other_output(path: Path) -> bool:
    """Return whether this is one of our outputs other than labels of objects."""
    return stem(path).endswith(OURS) and not stem(path).endswith(_ENDS)
