"""A download: its files, checked and resumed, in a folder of the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import platformdirs
from pydantic import Field, ValidationError, field_validator

from ...core.atomic import write_text
from ...core.disk import is_full
from ...core.errors import FileError, InputError, ModelError, printable
from ...core.options import Options
from ...core.progress import Step, Steps
from ..known_models import size_text
from ..user_models import as_name
from .web import OfflineError, opened

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from ..importing.proposal import Proposal

CACHE, OFFLINE = "TALLY_CACHE", "TALLY_OFFLINE"
LIST = "download.json"
STAGE = "download"
NOT_STATED = "not stated"
_LARGEST = 20 * 2**30  # bytes
_CHUNK = 2**18
_TRIES = 3  # without any progress


class Item(Options):
    """A file to download.

    Attributes
    ----------
    name : str
        Its path in the folder of the download.
    size : int, optional
        Bytes, if they are known.
    sha256, git_sha1 : str
        Its checksum, or that of git, which is over its length and content; "" if unknown.
    """

    name: str
    address: str
    size: int | None = Field(None, ge=0)
    sha256: str = ""
    git_sha1: str = ""

    @field_validator("name")
    @classmethod
    def _stays(cls, name: str) -> str:
        path = PurePosixPath(name)
        if (
            path.is_absolute()
            or ".." in path.parts
            or "\\" in name
            or ":" in name
            or not path.parts
        ):
            raise ValueError(f"{printable(name)} is no name of a file in a folder")
        return name

    def fits(self, path: Path) -> bool:
        """Return whether a file is this one, as far as that is known."""
        if not path.is_file() or (self.size is not None and path.stat().st_size != self.size):
            return False
        if self.sha256:
            return _digest(path, hashlib.sha256()) == self.sha256.lower()
        if self.git_sha1:
            start = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
            return _digest(path, start) == self.git_sha1.lower()
        return self.size is not None

    def as_received(self, path: Path) -> Item:
        """Return it with size and checksum of the file that was received."""
        sha256 = self.sha256 or _digest(path, hashlib.sha256())
        return self.model_copy(update={"size": path.stat().st_size, "sha256": sha256})


class Download(Options):
    """What a source has.

    Attributes
    ----------
    source : str
        As the user wrote it, such as "hf:nvidia/segformer-b0".
    title, licence : str
        Of the model; "" if they are not stated.
    revision : str
        The state of the source, "" if it has none.
    start : str
        Name of the file to import, "" for the folder.
    """

    source: str
    title: str = ""
    licence: str = ""
    revision: str = ""
    items: tuple[Item, ...] = Field(min_length=1)
    start: str = ""

    @property
    def folder(self) -> Path:
        """Its folder in the user's cache."""
        return cache_folder() / folder_name(self.source)

    @property
    def size(self) -> int | None:
        """Bytes of all files, None if they are unknown."""
        sizes = [item.size for item in self.items]
        return None if None in sizes else sum(s for s in sizes if s is not None)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the user should know before the download."""
        size = "of unknown size" if self.size is None else f"with {size_text(self.size)}"
        count = f"{len(self.items)} file{'s' * (len(self.items) > 1)}"
        checked = all(item.sha256 or item.git_sha1 for item in self.items)
        largest = max(self.items, key=lambda item: item.size or 0)
        revision = f", revision {self.revision[:12]}" if self.revision else ""
        return (
            f"{self.title or self.source}{revision}: {count} {size}",
            f"Licence: {self.licence or 'not stated'}",
            f"SHA-256 of {largest.name}: {largest.sha256}"
            if largest.sha256
            else "Every file has a checksum"
            if checked
            else "The server states no checksum: what arrives cannot be compared",
        )

    def path(self, folder: Path) -> Path:
        """Return what is to be imported, in a folder with the files."""
        return folder / self.start if self.start else folder


def cache_folder() -> Path:
    """Return the folder of downloads, which may not exist yet."""
    given = os.environ.get(CACHE)
    if given:
        return Path(given).expanduser()
    return Path(platformdirs.user_cache_dir("napari-tally", appauthor=False)) / "downloads"


def offline_folder() -> Path | None:
    """Return the folder that stands for the network, None if there is none."""
    given = os.environ.get(OFFLINE)
    return Path(given).expanduser() if given else None


def folder_name(source: str) -> str:
    """Return the name of a source's folder, the same on every machine."""
    return f"{as_name(source)[:60]}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"


def fetch_steps(download: Download) -> Steps[Path]:
    """Download what is not there yet; return the path to import. Yields after every part.

    A stopped download goes on where it was.

    Raises
    ------
    FileError, ModelError
        If a file cannot be had, or is not what the source states.
    """
    folder, total = download.folder, download.size or 0
    _check_room(folder, total)
    done = 0
    for item in download.items:
        target = folder / item.name
        if not item.fits(target):
            for size in _fetched(item, target):
                yield Step(STAGE, done + size, total)
        done += target.stat().st_size
        yield Step(STAGE, done, total)
    items = tuple(item.as_received(folder / item.name) for item in download.items)
    kept = download.model_copy(update={"items": items})
    write_text(kept.model_dump_json(indent=2) + "\n", folder / LIST)
    return download.path(folder)


def kept_download(source: str, folder: Path) -> tuple[Download, Path]:
    """Return a download that was copied into a folder, and its path there, without a network.

    Raises
    ------
    FileError, ModelError
        If the folder does not have it, or not as it was.
    """
    for path in (folder / folder_name(source), folder):
        if (path / LIST).is_file():
            try:
                kept = Download.model_validate(json.loads((path / LIST).read_text("utf-8")))
            except (OSError, ValueError, RecursionError, ValidationError) as error:
                raise ModelError(f"{path / LIST} is damaged") from error
            if kept.source == source:
                return kept, _checked(kept, path)
    raise FileError(
        f"{folder} has no download of {source}",
        hint=f"Download it where there is a connection, and copy its folder from {cache_folder()}",
    )


def _checked(kept: Download, folder: Path) -> Path:
    for item in kept.items:
        if not item.fits(folder / item.name):
            raise ModelError(
                f"{folder / item.name} is missing, or not the file that was downloaded",
                hint="Copy the folder of the download again",
            )
    return kept.path(folder)


def credited(proposal: Proposal, download: Download) -> Proposal:
    """Return a proposal with the source and licence of its download, where it has none itself."""
    info = proposal.info
    where = download.source + f"@{download.revision}" * bool(download.revision)
    source = info.source and info.source.model_copy(update={"location": where})
    stated = info.licence if info.licence != NOT_STATED else download.licence or NOT_STATED
    return replace(proposal, info=info.model_copy(update={"source": source, "licence": stated}))


def _fetched(item: Item, target: Path) -> Iterator[int]:
    """Download a file to its place; yield the bytes that are there."""
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield from _received(item, part)
        if item.sha256 or item.git_sha1 or item.size is not None:
            _check(item, part)
        part.replace(target)
        _tag(part).unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        reason = "the disk is full" if is_full(error, target.parent) else error.strerror or error
        raise FileError(f"{target} cannot be written: {reason}") from error


def _check(item: Item, part: Path) -> None:
    if item.fits(part):
        return
    part.unlink()
    _tag(part).unlink(missing_ok=True)
    raise ModelError(
        f"{item.name} is not the file that the source states: its checksum or size is another",
        hint="Download it again; if that does not help, it was changed on the server",
    )


def _received(item: Item, part: Path) -> Iterator[int]:
    """Append to a file what it lacks; go on a few times if the connection is lost."""
    tries = 0
    while True:
        before = _length(part)
        if item.size is not None and before == item.size:
            return
        lost: Exception
        try:
            yield from _appended(item, part, before)
            if item.size is None or _length(part) == item.size:
                return
            lost = OfflineError(
                f"{item.name} ended after {_length(part):,} of {item.size:,} bytes",
                hint="Try again: the download goes on where it was",
            )
        except OfflineError as error:
            lost = error
        tries = 0 if _length(part) > before else tries + 1
        if tries >= _TRIES:
            raise lost


def _appended(item: Item, part: Path, start: int) -> Iterator[int]:
    """Receive a file from a byte on, from the first one if the server does not resume it."""
    tag = _tag(part).read_text("utf-8") if start and _tag(part).is_file() else ""
    if start and (not tag or (item.size is not None and start > item.size)):
        part.unlink()
        start = 0
    headers = {"Range": f"bytes={start}-", "If-Range": tag} if start else {}
    with opened(item.address, headers) as response:
        resumed = start and response.status == 206
        size = start if resumed else 0
        _keep_tag(response, part)
        with part.open("ab" if resumed else "wb") as out:
            while chunk := _chunk(response):
                size += len(chunk)
                if size > (_LARGEST if item.size is None else item.size):
                    part.unlink()
                    raise ModelError(f"{item.name} is larger than the source states")
                out.write(chunk)
                yield size


def _chunk(response: HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK)
    except (OSError, ValueError) as error:
        raise OfflineError(f"The connection is lost: {error}") from error


def _tag(part: Path) -> Path:
    """Return the path of the name that the server gives to this state of a file."""
    return part.with_name(f"{part.name}.tag")


def _keep_tag(response: HTTPResponse, part: Path) -> None:
    tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    if tag and not tag.startswith("W/"):
        _tag(part).write_text(tag, "utf-8")
    else:
        with suppress(FileNotFoundError):
            _tag(part).unlink()


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_room(folder: Path, needed: int) -> None:
    """Refuse a download that the disk has no room for, or that no model needs."""
    if needed > _LARGEST:
        raise InputError(f"The download has {size_text(needed)}, more than models do")
    there = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise FileError(
            f"The download needs {size_text(needed)}, but {there} has {size_text(free)} left",
            hint=f"Free some, or set {CACHE} to a folder on another disk",
        )


def _digest(path: Path, start: hashlib._Hash) -> str:
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            start.update(chunk)
    return start.hexdigest()
