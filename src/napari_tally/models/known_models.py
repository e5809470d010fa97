"""The models there are by name: built-in and imported ones, with what a list shows of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import TallyError, sentence
from ..files.run_record import sha256_files
from .bundle import SHIPPED, read_info, read_spatial_dims, shipped_models
from .preprocessing import is_colour_model
from .user_models import user_models, user_models_folder

if TYPE_CHECKING:
    from .model_info import ModelInfo

GROUPS = ("Nuclei", "Cells", "Organs and vessels", "Electron microscopy")
OWN = "Your models"
_UNITS = ("bytes", "kB", "MB", "GB")


@dataclass(frozen=True)
class Entry:
    """A model in the library.

    Attributes
    ----------
    info : ModelInfo, optional
        Its description, None if it is damaged.
    problem : str
        What is wrong with a damaged one.
    """

    name: str
    folder: Path
    builtin: bool
    info: ModelInfo | None
    problem: str = ""

    @property
    def purpose(self) -> str:
        """What it is for, in one line."""
        return self.problem if self.info is None else self.info.description

    @property
    def group(self) -> str:
        """The heading under which it is listed."""
        return self.info.group if self.builtin and self.info is not None else OWN

    @property
    def images(self) -> str:
        """The kinds of images that it is for, in words."""
        return "" if self.info is None else ", ".join(self.info.images)

    @property
    def takes(self) -> str:
        """The axes and channels of its images, in words."""
        if self.info is None or self.ndim is None:
            return ""
        names = self.info.preprocessing.channels
        colours = (
            "RGB" if is_colour_model(names) else f"{len(names)} channel{'s'[: len(names) - 1]}"
        )
        return f"{self.ndim}D, {colours}"

    @cached_property
    def ndim(self) -> int | None:
        """Number of spatial axes of its images, None if it is damaged."""
        try:
            return read_spatial_dims(self.folder)
        except TallyError:
            return None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its classes; of its objects if it has none."""
        if self.info is None:
            return ()
        return self.info.head.class_names or (self.info.plural,)

    @property
    def licence(self) -> str:
        """Licence of its weights."""
        return "" if self.info is None else self.info.licence

    @property
    def source(self) -> str:
        """Where it is from, in words."""
        if self.builtin:
            return "built in"
        source = self.info and self.info.source
        return ", ".join(filter(None, (source.format, source.location))) if source else "unknown"

    @property
    def size(self) -> str:
        """The size of its files in words."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return size_text(sum(path.stat().st_size for path in files))

    @cached_property
    def sha256(self) -> str:
        """Checksum of the original file of an imported model, of the weights of others."""
        if self.info is not None and self.info.source is not None and self.info.source.sha256:
            return self.info.source.sha256
        weights = sorted((self.folder / "models").glob("*"))
        return sha256_files(weights) if weights else ""


def library() -> list[Entry]:
    """Return all models, the built-in ones first and by what they are for."""
    entries = [entry_of(SHIPPED / name, builtin=True) for name in shipped_models()]
    entries.sort(key=lambda entry: GROUPS.index(entry.group) if entry.group in GROUPS else 99)
    folder = user_models_folder()
    return entries + [entry_of(folder / name) for name in user_models()]


def model_names() -> tuple[str, ...]:
    """Return the names of all models in the order of `library`."""
    return tuple(entry.name for entry in library())


def size_text(size: float) -> str:
    """Return a number of bytes in words.

    Examples
    --------
    >>> size_text(5_750_000)
    '5.8 MB'
    """
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == _UNITS[0] else f"{size:.1f} {unit}"


def entry_of(folder: Path, *, builtin: bool = False) -> Entry:
    """Return what a list shows of the model in a folder."""
    try:
        return Entry(folder.name, folder, builtin, read_info(folder))
    except TallyError as error:
        return Entry(folder.name, folder, builtin, None, sentence(error))
