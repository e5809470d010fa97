"""Files of a model package, a folder or a .zip; nothing outside of it is read."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Protocol

from ...core.errors import FileError, ModelError, printable
from ...files.run_record import sha256_file
from ..weights import inside

_LARGEST = 8 * 2**30  # bytes of a file
_CHUNK = 2**20


class Package(Protocol):
    """The files of a package by their names."""

    path: Path

    def names(self) -> tuple[str, ...]:
        """Return the names of the files at its top."""

    def file(self, name: str) -> Path | None:
        """Return the path of a file at its top, None if there is none."""


class Folder:
    """A folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> tuple[str, ...]:
        """Return the names of the files at its top."""
        return tuple(sorted(p.name for p in self.path.iterdir() if p.is_file()))

    def file(self, name: str) -> Path | None:
        """Return the path of a file at its top, None if there is none."""
        return inside(self.path, Path(name)) if (self.path / name).is_file() else None


class ZipFile:
    """A .zip, whose files are extracted when they are needed, into a temporary folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = tempfile.TemporaryDirectory(prefix="napari-tally-")
        try:
            with zipfile.ZipFile(path) as archive:
                found = {i.filename: i for i in archive.infolist() if not i.is_dir()}
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise ModelError(f"{path} is no readable .zip: {error}") from error
        top = _top(list(found))
        self._members = {
            name.removeprefix(top): info
            for name, info in found.items()
            if name.startswith(top) and "/" not in name.removeprefix(top)
        }

    def names(self) -> tuple[str, ...]:
        """Return the names of the files at its top."""
        return tuple(sorted(self._members))

    def file(self, name: str) -> Path | None:
        """Return the path of a file at its top, None if there is none."""
        info = self._members.get(name)
        if info is None:
            return None
        target = Path(self._folder.name) / PurePosixPath(name).name
        if not target.exists():
            self._extract(info, target)
        return target

    def _extract(self, info: zipfile.ZipInfo, target: Path) -> None:
        """Extract a file, no more than the archive says and a model can have."""
        if info.file_size > _LARGEST:
            raise ModelError(f"{info.filename} in {self.path} has {info.file_size:,} bytes")
        try:
            with (
                zipfile.ZipFile(self.path) as archive,
                archive.open(info) as source,
                target.open("wb") as out,
            ):
                shutil.copyfileobj(source, out, _CHUNK)
        except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            target.unlink(missing_ok=True)
            name = printable(info.filename)
            raise ModelError(f"{name} in {self.path} cannot be extracted: {error}") from error
        except OSError as error:
            target.unlink(missing_ok=True)
            raise FileError(
                f"{printable(info.filename)} in {self.path} cannot be extracted: "
                f"{error.strerror or error}"
            ) from error


def opened(path: Path) -> Package:
    """Return the files of a folder or .zip.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    return Folder(path) if path.is_dir() else ZipFile(path)


def checked_file(package: Package, name: str, sha256: str | None) -> Path:
    """Return the path of a file of a package, whose checksum is the stated one.

    Raises
    ------
    ModelError
        If it is missing or another file.
    """
    path = package.file(name)
    if path is None:
        raise ModelError(f"{package.path} has no file {printable(name)}")
    if sha256 is not None and sha256_file(path) != sha256.lower():
        raise ModelError(
            f"{printable(name)} in {package.path} has another checksum than its description states",
            hint="It is damaged or was replaced: get the model again",
        )
    return path


def _top(names: list[str]) -> str:
    """Return the folder in which all files of an archive are: "" or "model/"."""
    first = {name.partition("/")[0] for name in names}
    nested = all("/" in name for name in names)
    return f"{first.pop()}/" if nested and len(first) == 1 else ""
