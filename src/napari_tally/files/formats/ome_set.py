"""The images that OME-XML describes, and where their planes lie: in this TIFF or in others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import tifffile

from ...core.errors import FileError, InputError
from .integrity import check_file
from .ome_files import OmeFiles, beside
from .tiff_planes import Index, Planes
from .voxel_size import Metadata, from_ome_image, logger

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

COMPANION = ".companion.ome"
_OUTER = "TCZ"


@dataclass(frozen=True)
class OmeImage:
    """One image of OME-XML.

    Attributes
    ----------
    name : str
    metadata : Metadata
        Voxel size and channel names.
    planes : Planes
        Those that are there.
    size : tuple of int
        Y and X.
    plain : bool
        Whether all planes lie in the file that was named, as they are described.
    """

    name: str
    metadata: Metadata
    planes: Planes
    size: tuple[int, int]
    plain: bool

    def text(self) -> str:
        """Return name, lengths and axes in words."""
        sizes = zip((*self.planes.shape, *self.size), f"{self.planes.axes}YX", strict=True)
        listed = [(n, a) for n, a in sizes if n > 1 or a in "YX"]
        shape = " x ".join(str(n) for n, _ in listed) + " " + "".join(a for _, a in listed)
        return f"{self.name}, {shape}" if self.name else shape


@dataclass(frozen=True)
class OmeSet:
    """The images of OME-XML, as seen from one file.

    Attributes
    ----------
    root : Element
        The OME element.
    path : Path
        The file that was named: a TIFF, or the companion with the metadata.
    apart : bool
        Whether the metadata lie in another file than the pixels.
    """

    root: Element
    path: Path
    apart: bool = False

    @classmethod
    def of_companion(cls, path: Path) -> OmeSet:
        """Read a companion file, which has metadata and no pixels.

        Raises
        ------
        FileError
            If it is not OME-XML.
        """
        return cls(_parsed(path), path, apart=True)

    @classmethod
    def of_tiff(cls, tif: tifffile.TiffFile, path: Path, *, strict: bool = True) -> OmeSet | None:
        """Return the set that a TIFF belongs to; None if it has no OME-XML.

        Raises
        ------
        InputError
            If the metadata of several planes lie in a file that is not there, and `strict`.
        """
        xml = tif.ome_metadata
        if not xml:
            return None
        try:
            root = ElementTree.fromstring(xml)
        except ElementTree.ParseError:
            logger.warning("%s: its OME-XML is damaged and is left out.", path.name)
            return None
        elsewhere = root.find("{*}BinaryOnly")
        if elsewhere is None:
            return cls(root, path)
        found = cls._elsewhere(path, elsewhere)
        wanted = elsewhere.get("MetadataFile") or "another file"
        if found is None and strict and len(tif.pages) > 1:
            raise InputError(
                f"The axes of {path.name} are noted in {wanted}, which is not there or is of "
                "another recording",
                hint="Put it into the same folder, or set them with --axes, such as TYX",
            )
        if found is None:
            logger.warning("%s: %s, which has its voxel size, is not there.", path.name, wanted)
        return found

    @classmethod
    def _elsewhere(cls, path: Path, noted: Element) -> OmeSet | None:
        """Return the set whose metadata lie in another file of the folder."""
        named = beside(path, noted.get("MetadataFile", ""))
        places = sorted(path.parent.glob(f"*{COMPANION}")) if named is None else [named]
        for place in places:
            found = cls(_parsed(place), path, apart=True)
            if found.own():
                return found
        return None

    @cached_property
    def files(self) -> OmeFiles:
        """The files that the XML names."""
        return OmeFiles.of(self.path, self.root)

    @cached_property
    def images(self) -> list[OmeImage]:
        """The images that have pixels, in the order of the XML."""
        pairs = [(image, image.find("{*}Pixels")) for image in self.root.findall("{*}Image")]
        return [self._image(image, pixels) for image, pixels in pairs if pixels is not None]

    def own(self) -> list[int]:
        """Return the places of the images that have planes in the file that was named.

        A companion has none itself: all whose planes are there count.
        """
        whole = self.path.name.lower().endswith(COMPANION)
        found = [image.planes.files() for image in self.images]
        return [n for n, files in enumerate(found) if self.path in files or (whole and files)]

    def simple(self) -> bool:
        """Return whether all planes of all images lie in this file, as tifffile expects them."""
        return not self.apart and bool(self.images) and all(i.plain for i in self.images)

    def _image(self, image: Element, pixels: Element) -> OmeImage:
        order = pixels.get("DimensionOrder", "XYZCT")[::-1]
        axes = "".join(a for a in order if a in _OUTER)
        lengths = {a: int(pixels.get(f"Size{a}", 1)) for a in "TCZYX"}
        channel = pixels.find("{*}Channel")
        samples = 1 if channel is None else int(channel.get("SamplesPerPixel", 1))
        lengths["C"] //= max(samples, 1)
        shape = tuple(lengths[a] for a in axes)
        if len(axes) != len(_OUTER) or min(shape) < 1 or math.prod(shape) > 2**62:
            raise FileError(f"The OME-XML of {self.path} has impossible sizes {shape} ({axes})")
        found: dict[Index, tuple[Path, int]] = {}
        described, plain = 0, True
        for data in pixels.findall("{*}TiffData"):
            claimed, there, own = self._range(data, axes, shape)
            described += claimed
            plain &= own and claimed == len(there)
            found |= there
        planes = Planes(axes, shape, found)
        self._check_described(planes, described)
        metadata = from_ome_image(image, pixels, self.path.name)
        size = lengths["Y"], lengths["X"]
        return OmeImage(image.get("Name", ""), metadata, planes, size, plain and planes.complete)

    def _range(
        self, data: Element, axes: str, shape: tuple[int, ...]
    ) -> tuple[int, dict[Index, tuple[Path, int]], bool]:
        """Return how many planes follow each other, those that are there, and whether they are own.

        Without a number they are all pages of the file, or the one with the number IFD.
        """
        noted = data.find("{*}UUID")
        file = self.files.find(noted)
        index = [int(data.get(f"First{a}", 0)) for a in axes]
        if any(not 0 <= i < n for i, n in zip(index, shape, strict=True)):
            return 0, {}, False
        start, first = int(np.ravel_multi_index(index, shape)), int(data.get("IFD", 0))
        pages = 0 if file is None else self.files.count(file) - first
        number = data.get("PlaneCount", data.get("NumPlanes", 1 if "IFD" in data.attrib else None))
        room = math.prod(shape) - start
        claimed = min(pages, room) if number is None else int(number)
        there = range(max(min(claimed, pages, room), 0))
        own = noted is None or noted.get("FileName", "").lower() == self.path.name.lower()
        return claimed, dict(_numbered(file or self.path, start, first, shape, there)), own

    def _check_described(self, planes: Planes, described: int) -> None:
        """Refuse an image of which the XML does not say where planes lie that may be there.

        Pages that the XML does not describe are left out with a word, if it describes one image.
        """
        total = math.prod(planes.shape)
        spare = self.files.count(self.path) - len(planes.found)
        alone = len(self.root.findall("{*}Image")) == 1 and len(self.files.known) < 2
        if spare <= 0 or not alone or self.apart:
            return
        if described < total:
            raise FileError(
                f"{self.path} lacks {total - described} of its {total} planes",
                hint="If the recording has several files, put them into the same folder",
            )
        text = "%s: its OME-XML describes %d of its %d pages; the others are left out."
        logger.warning(text, self.path.name, len(planes.found), len(planes.found) + spare)


def _numbered(
    file: Path, start: int, first: int, shape: tuple[int, ...], there: range
) -> Iterator[tuple[Index, tuple[Path, int]]]:
    for number in there:
        place = np.unravel_index(start + number, shape)
        yield tuple(int(i) for i in place), (file, first + number)


def _parsed(path: Path) -> Element:
    """Return the OME-XML in a companion, or in the TIFF that has it for all files."""
    check_file(path)
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            with tifffile.TiffFile(path) as tif:
                return ElementTree.fromstring(tif.ome_metadata or "")
        return ElementTree.fromstring(path.read_bytes())
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise FileError(f"{path} is not OME-XML ({error})") from error
