"""Headers of DICOM files, without data that identify the patient."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .series import Series
from .voxel_size import logger

if TYPE_CHECKING:
    from pydicom import Dataset

SUFFIXES = (".dcm", ".dicom", ".ima")
# Modalities that are not images to measure, though some have pixels.
NO_IMAGES = (
    "AU", "DOC", "ECG", "FID", "HD", "KO", "PLAN", "PR", "REG", "RTDOSE", "RTPLAN", "RTRECORD",
    "RTSTRUCT", "SEG", "SMR", "SR", "STAIN", "TEXTUREMAP",
)  # fmt: skip
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# The patient's name and number are read only to keep them out of descriptions.
_PATIENT = ("PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames")
_TAGS = (
    *_PATIENT, "SOPClassUID", "Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription",
    "Rows", "Columns", "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices",
    "RescaleSlope", "RescaleIntercept", "GridFrameOffsetVector",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """One plane of one file.

    Attributes
    ----------
    path, frame : Path, int
        The file, and the number of the plane in it.
    series : tuple
        Identifies the series.
    modality, number, description : str
        For lists of series.
    shape : tuple of int
        Rows and columns.
    position, directions, spacing : tuple of float
        Position of the first pixel, directions of rows and columns, and spacing of rows and of
        columns in mm; empty if the file does not give them.
    thickness : float
        Spacing of slices, or else their thickness, by the file; 0 if it gives neither.
    rescale : tuple
        Slope and intercept.
    image, captured : bool
        Whether this is an image to measure in; whether it is a picture of a screen or a sheet.
    """

    path: Path
    frame: int
    series: tuple[str, ...]
    modality: str
    number: str
    description: str
    shape: tuple[int, int]
    position: Numbers
    directions: Numbers
    spacing: Numbers
    thickness: float
    rescale: tuple[str, str]
    image: bool
    captured: bool


def is_dicom(path: Path) -> bool:
    """Return whether a file is DICOM: by its suffix, or by its first bytes if it has none.

    Names of DICOM files often have no suffix, or end in the digits of an identifier.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if suffix.strip(".0123456789") or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def slices_in(folder: Path, *, quiet: bool = False) -> list[Slice]:
    """Return the planes of all DICOM files of a folder, those without pixels too."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and is_dicom(p))
    by_file = [slices_of(path) for path in files]
    damaged = sum(not planes for planes in by_file)
    if damaged and not quiet:
        logger.warning("%s: skipped %d damaged DICOM files.", folder.name, damaged)
    return [plane for planes in by_file for plane in planes]


def slices_of(path: Path) -> list[Slice]:
    """Return the planes of one file; none if it is not DICOM."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    with _silent():
        try:
            header = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
            return list(_planes(header, path))
        except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, TypeError,
                AttributeError, NotImplementedError):  # fmt: skip
            return []


@contextmanager
def _silent() -> Iterator[None]:
    """Keep pydicom from quoting the content of a file: it may be a name."""
    log = logging.getLogger("pydicom")
    before = log.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.disabled = True
        try:
            yield
        finally:
            log.disabled = before


def listed(slices: list[Slice]) -> list[tuple[Series, list[Slice]]]:
    """Return the series of some slices, in the order of their numbers."""
    groups: dict[tuple[str, ...], list[Slice]] = {}
    for plane in slices:
        groups.setdefault(plane.series, []).append(plane)
    ordered = sorted(groups.values(), key=lambda g: (_as_number(g[0].number), g[0].series))
    numbers = [group[0].number for group in ordered]
    clear = all(numbers) and len(set(numbers)) == len(numbers)
    return [
        (Series(group[0].number if clear else str(place), _text(group)), group)
        for place, group in enumerate(ordered, 1)
    ]


def _as_number(text: str) -> int:
    return int(text) if text.isdigit() else -1


def _text(group: list[Slice]) -> str:
    first = group[0]
    size = f"{len(group)} of {first.shape[1]} x {first.shape[0]}"
    return ", ".join(part for part in (first.modality, first.description, size) if part)


def _planes(header: Dataset, path: Path) -> Iterator[Slice]:
    rows, columns = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
    modality = str(header.get("Modality") or "")
    uid = str(header.get("SeriesInstanceUID") or "")
    number = header.get("SeriesNumber")
    shared = _first(header, "SharedFunctionalGroupsSequence")
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    spots = _numbers(header, "GridFrameOffsetVector")
    on_detector = _first_value([header], "ImagerPixelSpacing", 2)
    for frame in range(int(header.get("NumberOfFrames") or 1)):
        own = frames[frame] if frame < len(frames) else None
        groups = [g for g in (own, shared) if g is not None]
        measures = [_first(g, "PixelMeasuresSequence") for g in groups] + [header]
        places = [_first(g, "PlanePositionSequence") for g in groups]
        turns = [_first(g, "PlaneOrientationSequence") for g in groups] + [header]
        places += [header] if int(header.get("NumberOfFrames") or 1) == 1 else []
        yield Slice(
            path=path,
            frame=frame,
            series=(uid,) if uid else ("", str(rows), str(columns)),
            modality=modality,
            number="" if number is None else str(number),
            description=_description(header),
            shape=(rows, columns),
            position=_first_value(places, "ImagePositionPatient", 3),
            directions=_first_value(turns, "ImageOrientationPatient", 6),
            spacing=_first_value(measures, "PixelSpacing", 2) or on_detector,
            thickness=_thickness(measures, spots),
            rescale=(str(header.get("RescaleSlope", 1)), str(header.get("RescaleIntercept", 0))),
            image=bool(rows and columns) and modality not in NO_IMAGES,
            captured=str(header.get("SOPClassUID") or "").startswith(_SECONDARY_CAPTURE),
        )


def _first(of: Dataset, name: str) -> Dataset | None:
    sequence = of.get(name)
    return sequence[0] if sequence else None


def _numbers(of: Dataset | None, name: str) -> Numbers:
    value: Any = None if of is None else of.get(name)
    try:
        return () if value is None else tuple(float(v) for v in value)
    except (TypeError, ValueError):
        return ()


def _first_value(places: list[Dataset | None], name: str, count: int) -> Numbers:
    """Return the values of the first place that has `count` of them."""
    given = (_numbers(place, name) for place in places)
    return next((numbers for numbers in given if len(numbers) == count), ())


def _thickness(measures: list[Dataset | None], spots: Numbers) -> float:
    if len(spots) > 1:
        return abs(spots[1] - spots[0])
    for name in ("SpacingBetweenSlices", "SliceThickness"):
        for place in measures:
            value = None if place is None else place.get(name)
            if value:
                return abs(float(value))
    return 0.0


def _description(header: Dataset) -> str:
    """Return the description of the series, or nothing if it might identify the patient."""
    text = str(header.get("SeriesDescription") or "").strip()
    known = " ".join(str(header.get(name) or "") for name in _PATIENT).lower()
    words = {word for word in re.split(r"[\W_]+", known) if len(word) > 1}
    identifying = words & set(re.split(r"[\W_]+", text.lower()))
    dated = re.search(r"\d{6}|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", text)
    return "" if identifying or dated else text
