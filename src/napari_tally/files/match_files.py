"""Labels and their images, of several folders, by their names."""

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
    """Return the images of a folder with their labels in another, and the files without partner.

    Labels have the name of their image, up to the suffix, or one that goes on with `_labels` or
    `_mask`.

    Raises
    ------
    InputError
        If one of the two is no folder with images, or there is no pair.
    """
    sources = [source.path for source in expand([_folder(images)])]
    truth = _by_name(labels, sources)
    pairs = [(path, truth[stem(path)]) for path in sources if stem(path) in truth]
    if not pairs:
        raise InputError(
            f"Labels in {labels} with the names of the images in {images} are needed",
            f"{len(sources)} images and {len(truth)} files of other names",
        )
    used = {label for _, label in pairs}
    alone = [path for path in sources if stem(path) not in truth]
    return pairs, alone + [path for path in truth.values() if path not in used]


@dataclass(frozen=True, slots=True)
class Row:
    """Labels with their partners of the same name.

    Attributes
    ----------
    name : str
        What the files share.
    labels : Path
    images : tuple of Path
        One of each folder of images.
    parents : Path, optional
    """

    name: str
    labels: Path
    images: tuple[Path, ...] = ()
    parents: Path | None = None


def partners(
    labels: Path, images: Sequence[Path] = (), parents: Path | None = None
) -> tuple[list[Row], list[Path], list[Path]]:
    """Return the labels of a folder, each with its partner in every one of the other folders.

    Images and labels may lie in one folder, as `a.tif` beside `a_labels.tif`.

    Returns
    -------
    rows : list of Row
    lonely : list of Path
        Labels that lack a partner somewhere.
    unused : list of Path
        Images and parents that are no partner.

    Raises
    ------
    InputError
        If one of these is no folder with images.
    """
    sources = [[s.path for s in expand([_folder(folder)])] for folder in images]
    taken = {path for paths in sources for path in paths}
    others = [{stem(path): path for path in paths} for paths in sources]
    holders = None if parents is None else _by_name(parents, taken)
    own = _by_name(labels, taken)
    if not own:
        raise InputError("A folder of labels is needed", f"{labels}, in which there are none")
    rows = [
        Row(name, path, tuple(o[name] for o in others), None if holders is None else holders[name])
        for name, path in own.items()
        if all(name in o for o in others) and (holders is None or name in holders)
    ]
    used = {p for row in rows for p in (row.labels, *row.images, row.parents)}
    lonely = [path for path in own.values() if path not in used]
    others_of_them = taken | set((holders or {}).values())
    return rows, lonely, sorted(others_of_them - used - set(lonely))


def bare(path: Path) -> str:
    """Return the name that labels share with their image: `a` of `a_labels.tif`."""
    name = stem(path)
    for end in _ENDS:
        name = name.removesuffix(end)
    return name


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError("A folder of images is needed", str(path))
    return path


def _by_name(folder: Path, others: Collection[Path]) -> dict[str, Path]:
    """Return the labels of a folder by their names, without what else we made and other files."""
    found: dict[str, Path] = {}
    for path in sorted(_folder(folder).iterdir()):
        made = stem(path).endswith(OURS) and not stem(path).endswith(_ENDS)
        if readable(path) and not path.name.startswith(".") and path not in others and not made:
            found.setdefault(bare(path), path)
    return found
