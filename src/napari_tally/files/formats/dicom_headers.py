"""The planes of DICOM files, and which files are damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.errors import FileError
from .dicom_file import BROKEN, DamagedDicomError, is_cut, is_dicom, opened, series_before_damage
from .dicom_frames import TAGS, planes, series_of
from .voxel_size import logger

if TYPE_CHECKING:
    from pathlib import Path

    from .dicom_slice import Slice


def slices_in(folder: Path) -> tuple[list[Slice], list[DamagedDicomError]]:
    """Return the planes of all DICOM files of a folder, those without pixels too; and damages."""
    found: list[Slice] = []
    damages: list[DamagedDicomError] = []
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        if is_cut(path):
            damages.append(DamagedDicomError(path, "it ends before its header"))
        if not is_dicom(path):
            continue
        try:
            found += slices_of(path)
        except DamagedDicomError as error:
            damages.append(error)
    return found, damages


def report_damaged(damages: list[DamagedDicomError], series: tuple[str, ...], name: str) -> None:
    """Refuse a series of which a file is damaged; log damaged files of unknown series.

    Raises
    ------
    DamagedDicomError
        If a damaged file is of the series, which would lack a slice without it.
    """
    for error in damages:
        if error.series and error.series == series:
            raise error
    unknown = [error for error in damages if not error.series]
    if unknown:
        logger.warning(
            "%s: skipped %d damaged DICOM files (the first is %s). Check that no slice is missing.",
            name, len(unknown), unknown[0].path.name,
        )  # fmt: skip


def slices_of(path: Path) -> list[Slice]:
    """Return the planes of one file.

    Raises
    ------
    DamagedDicomError
        If it is not DICOM, or damaged.
    """
    series: tuple[str, ...] = ()
    try:
        with opened(path, TAGS) as (header, file):
            series = series_of(header) if header.get("SeriesInstanceUID") else ()
            return list(planes(header, file, path))
    except DamagedDicomError:
        raise
    except FileError as error:
        raise DamagedDicomError(path, error.problem.replace(str(path), path.name), series) from None
    except BROKEN:
        series = series or series_before_damage(path)
        problem = "its header cannot be read"  # the message may quote the patient's name
        raise DamagedDicomError(path, problem, series) from None
