"""Match labels to images and parents in other folders by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError
from . import readable, stem
from .expand_inputs import MADE as OURS
from .expand_inputs import expand

_ENDS = ("_labels", "_label", "_masks", "_mask")


def paired(images: Path, labels: Path) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Return the images of a folder with their labels in another, and the unmatched files.

    Labels have the name of their image, without the suffix, or that name with `_labels` or `_mask`
    at its end.

    Raises
    ------
    InputError
        If one of the two is not a folder with images, or no names match.
    """
    sources = [source.path for source in expand([_folder(images)])]
    by_name = _by_name(labels, sources)
    pairs = [(path, by_name[stem(path)]) for path in sources if stem(path) in by_name]
    if not pairs:
        raise InputError(
            f"No names of the {len(by_name)} files in {labels} match the {len(sources)} images in "
            f"{images}",
            hint="Name the labels like their images, such as a_labels.tif for a.tif",
        )
    used = {label for _, label in pairs}
    unmatched = [path for path in sources if stem(path) not in by_name]
    return pairs, unmatched + [path for path in by_name.values() if path not in used]


@dataclass(frozen=True, slots=True)
class Row:
    """Labels with the images and parents of the same name.

    Attributes
    ----------
    name : str
        The name that the files share.
    labels : Path
    images : tuple of Path
        One of each folder of images.
    parents : Path, optional
    """

    name: str
    labels: Path
    images: tuple[Path, ...] = ()
    parents: Path | None = None


def match_rows(
    labels: Path, images: Sequence[Path] = (), parents: Path | None = None
) -> tuple[list[Row], list[Path], list[Path]]:
    """Return the labels of a folder, each with the file of the same name in each other folder.

    Images and labels may be in one folder, as `a.tif` beside `a_labels.tif`.

    Returns
    -------
    rows : list of Row
    unmatched : list of Path
        Labels without a match in one of the folders.
    unused : list of Path
        Images and parents without labels.

    Raises
    ------
    InputError
        If one of these is not a folder with images.
    """
    sources = [[s.path for s in expand([_folder(folder)])] for folder in images]
    taken = {path for paths in sources for path in paths}
    others = [{stem(path): path for path in paths} for paths in sources]
    holders = None if parents is None else _by_name(parents, taken)
    own = _by_name(labels, taken)
    if not own:
        raise InputError(f"The folder {labels} has no labels")
    rows = [
        Row(name, path, tuple(o[name] for o in others), None if holders is None else holders[name])
        for name, path in own.items()
        if all(name in o for o in others) and (holders is None or name in holders)
    ]
    used = {p for row in rows for p in (row.labels, *row.images, row.parents)}
    unmatched = [path for path in own.values() if path not in used]
    other_files = taken | set((holders or {}).values())
    return rows, unmatched, sorted(other_files - used - set(unmatched))


def bare(path: Path) -> str:
    """Return the name that labels share with their image: `a` of `a_labels.tif`."""
    name = stem(path)
    for end in _ENDS:
        name = name.removesuffix(end)
    return name


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError(f"{path} is not a folder of images")
    return path


def _by_name(folder: Path, others: Collection[Path]) -> dict[str, Path]:
    """Return the labels of a folder by name, without our other outputs and other files."""
    found: dict[str, Path] = {}
    for path in sorted(_folder(folder).iterdir()):
        made = stem(path).endswith(OURS) and not stem(path).endswith(_ENDS)
        if readable(path) and not path.name.startswith(".") and path not in others and not made:
            found.setdefault(bare(path), path)
    return found
