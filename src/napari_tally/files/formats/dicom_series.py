"""The series of images among DICOM files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ...core.errors import FileError, InputError
from .series import Series
from .voxel_size import logger

if TYPE_CHECKING:
    from .dicom_slice import Slice


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
    return int(text) if text.isdecimal() else -1


def _text(group: list[Slice]) -> str:
    first = group[0]
    size = f"{len(group)} of {first.shape[1]} x {first.shape[0]}"
    return ", ".join(part for part in (first.modality, first.description, size) if part)


def images_of(slices: list[Slice], name: str, *, quiet: bool = False) -> list[Slice]:
    """Return the planes of images, and log which other kinds of files were left out.

    Raises
    ------
    FileError
        If there are none.
    """
    images = [plane for plane in slices if plane.image]
    taken = [plane for plane in images if not plane.captured] or images
    if not taken:
        raise FileError(f"The folder {name} has no DICOM images")
    ids = {plane.path for plane in taken}
    left = {plane.path: "captured picture" if plane.image else plane.modality or "other"
            for plane in slices if plane.path not in ids}  # fmt: skip
    if left and not quiet:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(left.values()).items()))
        logger.info("%s: skipped files that are not images: %s.", name, kinds)
    return taken


def same_series(slices: list[Slice], own: Slice) -> list[Slice]:
    """Return the planes of the series of one of them."""
    key = own.series, own.modality, own.captured
    return [p for p in slices if (p.series, p.modality, p.captured) == key]


def check_series(slices: list[Slice], name: str) -> None:
    """Check that the planes of a series can be one image.

    Raises
    ------
    InputError
        If they are of a kind that is not read, of several files of many slices, or differ in size
        or in how they are stored.
    """
    refused = next((plane.refused for plane in slices if plane.refused), "")
    if refused:
        raise InputError(
            f"{name} is {refused}, which is not read",
            hint="Convert it first: to NIfTI (dcm2niix), or a slide to OME-TIFF",
        )
    files = len({plane.path for plane in slices})
    if files > 1 and any(plane.frame for plane in slices):
        raise InputError(
            f"{name} has {files} files, of which some hold several slices",
            hint="Choose one of the files",
        )
    shapes = sorted({plane.shape for plane in slices})
    if len(shapes) > 1:
        text = " and ".join(f"{columns} x {rows}" for rows, columns in shapes)
        raise InputError(
            f"The slices of {name} have different sizes: {text}",
            hint="If they belong to two series, sort them into folders",
        )
    kinds = sorted({(p.pixels.samples, p.pixels.dtype) for p in slices})
    if len(kinds) > 1:
        text = " and ".join(f"{n} x {dtype}" for n, dtype in kinds)
        raise InputError(f"The slices of {name} have different kinds of pixels: {text}")


def look_note(slices: list[Slice]) -> str:
    """Return what to know of images that are shown inverted."""
    looks = {plane.pixels.look for plane in slices}
    if "MONOCHROME1" not in looks:
        return ""
    some = "" if looks == {"MONOCHROME1"} else "some slices are "
    return f"{some}MONOCHROME1 (shown with low values bright); the values are those stored"


def spacing_note(slices: list[Slice]) -> str:
    """Return what to know of sizes that are measured on a detector."""
    if not any(plane.on_detector and plane.spacing for plane in slices):
        return ""
    return "sizes are those on the detector (ImagerPixelSpacing), larger than in the patient"
