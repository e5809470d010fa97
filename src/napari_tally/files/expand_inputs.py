"""Expand files, folders and patterns to image files."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path, PurePath

from ..core.errors import InputError
from ..core.user_path import user_path
from . import format_of, readable, stem
from .formats.format import ending
from .label_names import CLASSES, DRAWN, is_always_label, without_labels

logger = logging.getLogger("napari_tally")

# Name endings of our own outputs.
MADE = tuple(f"_{end}" for end in ("labels", CLASSES, *DRAWN))


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input file, and the names of its outputs.

    Attributes
    ----------
    path : Path
        The file, or a folder that is one image.
    folder : Path
        Sub-folder of the output folder; empty unless inputs in different folders share a name.
    stem : str
        Beginning of the outputs' names: `a` for `a.tif` and `a.nii.gz`, or `a_tif` if there is an
        `a.png` too.
    """

    path: Path
    folder: Path
    stem: str

    def of_series(self, series: str | None) -> InputFile:
        """Return the input with the chosen series in the names of its outputs: `a_series2`.

        Those of a folder of slices are called after the folder.
        """
        if series is None or _is_folder_of_slices(self.path):
            return self
        return replace(self, stem=f"{self.stem}_series{re.sub('[^0-9A-Za-z]+', '-', series)}")


def expand(inputs: Iterable[str | os.PathLike[str]], *, quiet: bool = False) -> list[InputFile]:
    """Return the image files of files, folders and patterns, without duplicates.

    Folders are searched recursively; hidden files, our own outputs and labels beside their image
    (`a_masks.tif` beside `a.tif`) are skipped, the latter with a remark unless `quiet`. A folder
    that is one image (OME-Zarr, DICOM slices) counts as a file.

    Raises
    ------
    InputError
        If a folder or pattern has no readable image.
    """
    texts = [str(user_path(text)) for text in inputs]
    matches = _joined(_slices_joined([p for text in texts for p in _matches(text)]))
    found = {os.path.normcase(os.path.abspath(p)): p for p in matches}
    given = [p for p in found.values() if len(found) == 1 or not _made_by_us(p)]
    paths = without_labels(given)
    left_out = sorted(p.name for p in set(given).difference(paths))
    if left_out and not quiet:
        logger.info("Left out as labels of other images: %s.", _listed(left_out))
    folders = _folders(paths)
    stems = _stems(paths, folders)
    return [InputFile(*row) for row in zip(paths, folders, stems, strict=True)]


def _matches(text: str) -> list[Path]:
    path = Path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        files = sorted(inside(path))
        problem = f"The folder {text} has no readable images"
    elif has_magic(text):
        files = [p for p in map(Path, sorted(glob(text, recursive=True))) if _wanted(p, text)]
        problem = f"The pattern {text!r} matches no readable images"
    else:
        return [path]  # reading it reports that it is missing, and the others are processed
    if not files:
        raise InputError(problem, hint="Check a file or folder with: tally info PATH")
    return files


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f", ... ({len(names):,})" if len(names) > 3 else "")


def is_pattern(text: str | os.PathLike[str]) -> bool:
    """Return whether a text is a pattern such as `a/*.tif`, and not an existing path."""
    return has_magic(os.fspath(text)) and not Path(text).exists()


def is_folder(path: Path) -> bool:
    """Return whether this is a folder of files, and not itself an image."""
    return os.path.isdir(path) and format_of(path) is None


def pattern_files(pattern: str | os.PathLike[str]) -> list[Path]:
    """Return the readable files that match a pattern, including our own outputs.

    Raises
    ------
    InputError
        If there are none.
    """
    text = str(user_path(pattern))
    found = [p for p in map(Path, sorted(glob(text, recursive=True))) if readable(p)]
    if not found:
        raise InputError(f"No image file matches {text!r}")
    return found


def _joined(paths: list[Path]) -> list[Path]:
    """Keep the first of the files that are read as one image, such as its channels or frames."""
    kept: list[Path] = []
    covered: set[str] = set()
    for path in paths:
        if os.path.realpath(path) in covered:
            continue
        found = format_of(path) if len(paths) > 1 and path.is_file() else None
        if found is not None and found.same_image is not None:
            parts = {os.path.realpath(p) for p in found.same_image(path)}
            covered |= parts if len(parts) > 1 else set()
        kept.append(path)
    return kept


def _slices_joined(paths: list[Path]) -> list[Path]:
    """Replace several DICOM slices by their folder: a shell may list them one by one."""
    slices = {p: p.absolute().parent for p in paths if p.is_file() and _is_slice(p)}
    several = {folder for folder, n in Counter(slices.values()).items() if n > 1}
    return [p.parent if slices.get(p) in several else p for p in paths]


def _is_folder_of_slices(path: Path) -> bool:
    return path.is_dir() and _is_slice(path)


def _is_slice(path: Path) -> bool:
    found = format_of(path)
    return found is not None and found.slices


def _wanted(path: Path, pattern: str) -> bool:
    if path.is_dir():
        return format_of(path) is not None
    if not readable(path):  # a link to nowhere is wanted: reading it reports that it is missing
        return False
    requested, made = (stem(p).endswith(MADE) for p in (Path(pattern), path))
    named = is_always_label(stem(path)) and not is_always_label(stem(Path(pattern)))
    return requested or not (made or named)


def inside(folder: Path, *, made: bool = False) -> Iterator[Path]:
    """Yield the images in a folder and its sub-folders, without hidden files.

    Our own outputs are included only if `made`.
    """
    for place, folders, names in os.walk(folder):
        held = format_of(Path(place))
        if held is not None:
            yield Path(place)
        folders[:] = [f for f in folders if not f.startswith(".") and not (held and held.folder)]
        for name in names:
            path = Path(place, name)
            ours = held is not None and (held.folder or ending(path, held.suffixes))
            if (
                not ours
                and not name.startswith(".")
                and (readable(path) if made else _wanted(path, ""))
            ):
                yield path


def _made_by_us(path: Path) -> bool:
    """Return whether it has a run record: `*.tif` of a shell matches our outputs too."""
    name = stem(path)
    made = next((end for end in MADE if name.endswith(end)), "")
    return bool(made) and path.with_name(name.removesuffix(made) + "_run.json").exists()


def _folders(paths: list[Path]) -> list[Path]:
    """Return a sub-folder of the output folder for each input; empty if names do not clash."""
    parents = [Path(os.path.abspath(p.parent)) for p in paths]
    # casefolded for file systems that ignore case
    named = {(parent, stem(p).casefold()) for parent, p in zip(parents, paths, strict=True)}
    if len({stem for _, stem in named}) == len(named):
        return [Path()] * len(paths)
    return [Path(folder) for folder in below_common(parents)]


def below_common(folders: Sequence[PurePath]) -> list[PurePath]:
    """Return absolute folders relative to their deepest common parent.

    Folders on several Windows drives have none: then each begins with the letter of its drive.
    """
    same = type(folders[0])  # compares names as the system does: ignoring case on Windows
    parts = [folder.parts for folder in folders]
    shared = 0
    while all(len(p) > shared and same(p[shared]) == same(parts[0][shared]) for p in parts):
        shared += 1
    rests = [p[shared:] if shared else (p[0].strip("\\/:"), *p[1:]) for p in parts]
    return [same(*rest) for rest in rests]


def _stems(paths: list[Path], folders: list[Path]) -> list[str]:
    """Return the stems; files of one folder that share a stem get their suffix as well."""
    stems = [stem(p) for p in paths]
    for _ in range(2):  # the second time for an a_tif.png beside a.tif and a.png
        counts = Counter(zip(folders, stems, strict=True))
        stems = [
            path.name.replace(".", "_") if counts[folder, stem] > 1 else stem
            for path, folder, stem in zip(paths, folders, stems, strict=True)
        ]
    return stems
