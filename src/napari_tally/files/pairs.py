"""Images and their labels, of two folders, by their names."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import InputError
from . import readable, stem
from .inputs import expand

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
    for folder in (images, labels):
        if not folder.is_dir():
            raise InputError("A folder of images is needed", str(folder))
    sources = [source.path for source in expand([images])]
    truth: dict[str, Path] = {}
    for path in sorted(labels.iterdir()):
        if readable(path) and not path.name.startswith(".") and path not in sources:
            truth.setdefault(_bare(stem(path)), path)
    pairs = [(path, truth[stem(path)]) for path in sources if stem(path) in truth]
    if not pairs:
        raise InputError(
            f"Labels in {labels} with the names of the images in {images} are needed",
            f"{len(sources)} images and {len(truth)} files of other names",
        )
    used = {label for _, label in pairs}
    alone = [path for path in sources if stem(path) not in truth]
    return pairs, alone + [path for path in truth.values() if path not in used]


def _bare(name: str) -> str:
    for end in _ENDS:
        name = name.removesuffix(end)
    return name
