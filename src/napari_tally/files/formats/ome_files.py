"""The files of an OME-TIFF recording: found by UUID, else by name, beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

import tifffile

from .guarded import guarded
from .integrity import check_tiff

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOT_UUID = re.compile(r"<(?:\w+:)?OME\b[^>]*?\sUUID=[\"']([^\"']+)[\"']")
_SEARCHED = 500  # files of a folder in which a renamed one is searched


@dataclass
class OmeFiles:
    """The files that hold the planes of a recording.

    Attributes
    ----------
    path : Path
        The file that was named.
    known : set of tuple of str
        UUIDs and names in the OME-XML, "" where one has none.
    """

    path: Path
    known: set[tuple[str, str]]
    _found: dict[tuple[str, str], Path | None] = field(default_factory=dict)
    _counts: dict[Path, int] = field(default_factory=dict)
    _uuids: dict[Path, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, root: Element) -> OmeFiles:
        """List the files that an OME element names."""
        named = root.findall("{*}Image/{*}Pixels/{*}TiffData/{*}UUID")
        return cls(path, {(_text(each), each.get("FileName", "")) for each in named})

    def find(self, noted: Element | None) -> Path | None:
        """Return the file that the UUID of a plane names; the file itself without one."""
        if noted is None:
            return self.path
        key = _text(noted), noted.get("FileName", "")
        if key not in self._found:
            self._found[key] = self._search(*key)
        return self._found[key]

    def count(self, path: Path) -> int:
        """Return the number of pages of a file; 0 of one that is no TIFF."""
        if path not in self._counts:
            self._counts[path], self._uuids[path] = _facts(path)
        return self._counts[path]

    def _search(self, uuid: str, name: str) -> Path | None:
        if uuid and uuid == self._uuid(self.path):
            return self.path
        place = beside(self.path, name)
        if place is not None and self._fits(place, uuid):
            return place
        if len(self.known) == 1 and self.path.suffix != ".ome":  # one file, renamed
            return self.path
        for other in _tiffs(self.path.parent) if uuid else ():
            if self._uuid(other) == uuid:
                return other
        return None

    def _fits(self, place: Path, uuid: str) -> bool:
        """Return whether a file of the right name is not known to be another part."""
        own, others = self._uuid(place), {known for known, _ in self.known}
        return self.count(place) > 0 and (own == uuid or own not in others)

    def _uuid(self, path: Path) -> str:
        self.count(path)
        return self._uuids[path]


def beside(path: Path, name: str) -> Path | None:
    """Return the file of a name in the folder of a path, None if it is not there.

    Folders in the name are those of another computer and are left out.
    """
    place = path.parent / PureWindowsPath(name).name
    return place if name and place.is_file() else None


def _text(noted: Element) -> str:
    return (noted.text or "").strip()


def _tiffs(folder: Path) -> Iterable[Path]:
    return sorted(p for p in folder.glob("*.tif*") if p.is_file())[:_SEARCHED]


def _facts(path: Path) -> tuple[int, str]:
    """Return the number of pages and the UUID of a TIFF, 0 and "" of another file."""
    if path.suffix.lower() not in (".tif", ".tiff", ".tf2", ".tf8", ".btf"):
        return 0, ""
    try:
        with guarded(path):
            check_tiff(path)
            with tifffile.TiffFile(path) as tif:
                found = _ROOT_UUID.search(tif.ome_metadata or "")
                return len(tif.pages), found[1] if found else ""
    except OSError:  # a damaged part counts as one that is missing
        return 0, ""
