"""The planes of a DICOM file: what may differ from frame to frame."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import FileError
from .dicom_data import PixelData, pixel_data
from .dicom_file import BROKEN
from .dicom_slice import Numbers, Slice

if TYPE_CHECKING:
    import mmap

    from pydicom import Dataset

# Modalities that are not images to measure, though some have pixels.
NO_IMAGES = (
    "AU", "DOC", "ECG", "FID", "HD", "KO", "PLAN", "PR", "REG", "RTDOSE", "RTPLAN", "RTRECORD",
    "RTSTRUCT", "SEG", "SMR", "SR", "STAIN", "TEXTUREMAP",
)  # fmt: skip
_STANDARD = "1.2.840.10008."
_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"  # whole slide microscopy
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_OVER_TIME = ("IVUS", "RF", "US", "XA")  # frames without a position are a film
_FRAME_TIMES = (0x00181063, 0x00181065)  # pointed at by films
_NM_SLICES = 0x00540080
_NM_VOLUME = "RECON TOMO"
# The patient's name and number are read only to keep them out of descriptions.
_PATIENT = ("PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames")
_MOSAIC_COUNT = "NumberOfImagesInMosaic"
_MOSAIC_TAGS = (0x0019100A, 0x00291010)  # Siemens: number of images in a mosaic, CSA header
TAGS: tuple[str | int, ...] = (
    *_MOSAIC_TAGS,
    *_PATIENT, "SOPClassUID", "Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription",
    "Rows", "Columns", "NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices",
    "RescaleSlope", "RescaleIntercept", "GridFrameOffsetVector", "DoseGridScaling",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "InstanceNumber",
    "SliceLocation", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation",
    "PhotometricInterpretation", "ImageType", "FrameIncrementPointer", "SliceVector",
    "DetectorInformationSequence", "TriggerTime", "TemporalPositionIdentifier",
    "TotalPixelMatrixColumns", "TimeSlotVector",
)  # fmt: skip


def series_of(header: Dataset) -> tuple[str, ...]:
    """Return what identifies a series: its identifier, or else the size of its images."""
    uid = str(header.get("SeriesInstanceUID") or "")
    size = str(header.get("Rows")), str(header.get("Columns"))
    return (uid,) if uid else ("", *size)


def planes(header: Dataset, file: mmap.mmap, path: Path) -> Iterator[Slice]:
    """Yield the planes of a file, one without size if it is no image.

    Raises
    ------
    FileError
        If it should be an image, but its header or pixels are cut.
    """
    modality = str(header.get("Modality") or "")
    sized = bool(header.get("Rows") and header.get("Columns"))
    if not sized and not _without_pixels(header, modality):
        raise FileError(f"{path} ends in its header")
    pixels = pixel_data(header, file, path) if sized else _NOTHING
    number = header.get("SeriesNumber")
    groups = [_groups(header, frame) for frame in range(pixels.frames)]
    places = _places(header, groups, pixels.frames)
    for frame, (own, place) in enumerate(zip(groups, places, strict=True)):
        measures = [_first(g, "PixelMeasuresSequence") for g in own] + [header]
        between = _one(measures, "SpacingBetweenSlices") or _offset_step(header)
        spacing = _first_value(measures, "PixelSpacing", 2)
        yield Slice(
            path=path,
            frame=frame,
            series=series_of(header),
            modality=modality,
            number="" if number is None else str(number),
            description=_description(header),
            shape=(int(header.get("Rows") or 0), int(header.get("Columns") or 0)),
            position=place,
            directions=_directions(header, own),
            spacing=spacing or _first_value([header], "ImagerPixelSpacing", 2),
            on_detector=not spacing,
            thickness=abs(_one(measures, "SliceThickness") or 0.0),
            between=between or 0.0,
            location=_one([header], "SliceLocation") if pixels.frames == 1 else None,
            instance=_one([header], "InstanceNumber"),
            moment=_moment(header, own, frame),
            over_time=_over_time(header, modality),
            rescale=_rescale(header, own),
            pixels=pixels,
            image=sized and modality not in NO_IMAGES,
            captured=str(header.get("SOPClassUID") or "").startswith(_SECONDARY_CAPTURE),
            refused=_refused(header, modality, pixels),
        )


_NOTHING = PixelData(dtype="u1", bits=8, samples=1, frames=1, look="")


def _without_pixels(header: Dataset, modality: str) -> bool:
    """Return whether this is a report, a plan, ...: a storage class that is no image.

    A class of the standard that has no name is the beginning of one: the file is cut in it.
    """
    from pydicom.uid import UID

    uid = header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID")
    kind = UID(str(uid)).name if uid else ""
    cut = kind.startswith(_STANDARD)
    return modality in NO_IMAGES or bool(kind and "Image" not in kind and not cut)


def _refused(header: Dataset, modality: str, pixels: PixelData) -> str:
    """Return why pixels are not what they seem, or nothing."""
    kind = [str(value).upper() for value in header.get("ImageType") or ()]
    if "MOSAIC" in kind or _mosaic_count(header) > 1:
        return "a Siemens mosaic: the slices of a volume side by side in one picture"
    if header.get("SOPClassUID") == _SLIDE or header.get("TotalPixelMatrixColumns"):
        return "a slide, whose frames are the tiles of one picture"
    if modality == "SEG" or pixels.bits == 1:
        return "a segmentation object"
    if pixels.samples not in (1, 3, 4):
        return f"an image of {pixels.samples} numbers per pixel"
    return ""


def _mosaic_count(header: Dataset) -> int:
    """Return how many slices Siemens put into one picture."""
    count = header.get(_MOSAIC_TAGS[0])
    if count is not None:
        value = count.value
        return int.from_bytes(value[:2], "little") if isinstance(value, bytes) else int(value)
    csa = header.get(_MOSAIC_TAGS[1])
    if csa is None or not isinstance(csa.value, bytes) or _MOSAIC_COUNT.encode() not in csa.value:
        return 0
    from nibabel.nicom import csareader

    try:
        return int(csareader.get_n_mosaic(csareader.read(csa.value)) or 0)
    except (csareader.CSAError, *BROKEN):
        return 0


def _groups(header: Dataset, frame: int) -> list[Dataset]:
    """Return the functional groups of a frame: its own, and those that all share."""
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    own = frames[frame] if frame < len(frames) else None
    return [g for g in (own, _first(header, "SharedFunctionalGroupsSequence")) if g is not None]


def _places(header: Dataset, groups: list[list[Dataset]], frames: int) -> list[Numbers]:
    """Return the position of each frame, empty where it is not known."""
    own = [
        _first_value([_first(g, "PlanePositionSequence") for g in each], "ImagePositionPatient", 3)
        for each in groups
    ]
    detector = _first(header, "DetectorInformationSequence")
    first = _first_value([header, detector], "ImagePositionPatient", 3)
    if frames == 1:
        return [own[0] or first]
    steps = _steps(header, frames)
    turn = _directions(header, groups[0])
    if any(own) or not first or not turn or steps is None:
        return own
    normal = np.cross(turn[:3], turn[3:])
    return [tuple(map(float, np.array(first) + step * normal)) for step in steps]


def _steps(header: Dataset, frames: int) -> list[float] | None:
    """Return how far each frame lies from the first along the normal; None if not known.

    The sign of SpacingBetweenSlices is the direction of the stack (PS3.3 C.8.4.15).
    """
    offsets = _numbers(header, "GridFrameOffsetVector")
    if len(offsets) == frames and offsets[0] == 0:
        return list(offsets)
    between = _one([header], "SpacingBetweenSlices")
    if not between or _over_time(header, str(header.get("Modality") or "")):
        return None
    numbers = _slice_numbers(header, frames)
    return None if numbers is None else [between * n for n in numbers]


def _slice_numbers(header: Dataset, frames: int) -> list[float] | None:
    """Return the number of the slice of each frame from 0; None if frames are no slices."""
    if header.get("Modality") != "NM":
        return [float(n) for n in range(frames)]
    kind = [str(value).upper() for value in header.get("ImageType") or ()]
    vector = _numbers(header, "SliceVector")
    if len(vector) == frames:
        return [n - vector[0] for n in vector]
    volume = len(kind) < 3 or kind[2] == _NM_VOLUME
    return [float(n) for n in range(frames)] if volume else None


def _over_time(header: Dataset, modality: str) -> bool:
    pointer = header.get("FrameIncrementPointer")
    tags = pointer if isinstance(pointer, list | tuple) else [pointer]
    tags = [int(tag) for tag in tags if isinstance(tag, int)]
    kind = [str(value).upper() for value in header.get("ImageType") or ()]
    film = any(tag in _FRAME_TIMES for tag in tags)
    return film or modality in _OVER_TIME or (modality == "NM" and "DYNAMIC" in kind[2:3])


def _moment(header: Dataset, groups: list[Dataset], frame: int) -> float | None:
    """Return what tells the time points of a frame apart."""
    slots = _numbers(header, "TimeSlotVector")
    contents = [_first(group, "FrameContentSequence") for group in groups]
    found = [
        slots[frame] if frame < len(slots) else None,
        _one(contents, "TemporalPositionIndex"),
        _one([header], "TemporalPositionIdentifier"),
        _one([header], "TriggerTime"),
    ]
    return next((moment for moment in found if moment is not None), None)


def _directions(header: Dataset, groups: list[Dataset]) -> Numbers:
    """Return the unit vectors along a row and a column; nothing if they are no right angle."""
    turns = [_first(g, "PlaneOrientationSequence") for g in groups]
    turns += [header, _first(header, "DetectorInformationSequence")]
    values = _first_value(turns, "ImageOrientationPatient", 6)
    if not values:
        return ()
    row, column = np.array(values[:3]), np.array(values[3:])
    sizes = np.linalg.norm(row), np.linalg.norm(column)
    if min(sizes) < 0.9 or max(sizes) > 1.1 or abs(row @ column) > 1e-2:
        return ()
    return (*map(float, row / sizes[0]), *map(float, column / sizes[1]))


def _rescale(header: Dataset, groups: list[Dataset]) -> tuple[float, float]:
    """Return slope and intercept of a frame; a slope of 0 is none."""
    places = [_first(g, "PixelValueTransformationSequence") for g in groups] + [header]
    dose = _one([header], "DoseGridScaling")
    slope = _one(places, "RescaleSlope") or dose or 1.0
    return slope, _one(places, "RescaleIntercept") or 0.0


def _first(of: Dataset | None, name: str) -> Dataset | None:
    sequence = None if of is None else of.get(name)
    return sequence[0] if sequence else None


def _numbers(of: Dataset | None, name: str) -> Numbers:
    """Return the numbers of a tag; none if one is not finite."""
    value: Any = None if of is None else of.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return ()
    values = value if isinstance(value, list | tuple) or hasattr(value, "__iter__") else [value]
    values = [value] if isinstance(value, str) else values
    try:
        numbers = tuple(float(v) for v in values)
    except (TypeError, ValueError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _one(places: list[Dataset | None], name: str) -> float | None:
    """Return the number of the first place that has it."""
    return next((given[0] for given in (_numbers(p, name) for p in places) if given), None)


def _first_value(places: list[Dataset | None], name: str, count: int) -> Numbers:
    """Return the values of the first place that has `count` of them."""
    given = (_numbers(place, name) for place in places)
    return next((numbers for numbers in given if len(numbers) == count), ())


def _offset_step(header: Dataset) -> float:
    offsets = _numbers(header, "GridFrameOffsetVector")
    return abs(offsets[1] - offsets[0]) if len(offsets) > 1 else 0.0


def _description(header: Dataset) -> str:
    """Return the description of the series, or nothing if it might identify the patient."""
    text = str(header.get("SeriesDescription") or "").strip()
    known = " ".join(str(header.get(name) or "") for name in _PATIENT).lower()
    words = {word for word in re.split(r"[\W_]+", known) if len(word) > 1}
    identifying = words & set(re.split(r"[\W_]+", text.lower()))
    dated = re.search(r"\d{6}|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", text)
    return "" if identifying or dated else text
