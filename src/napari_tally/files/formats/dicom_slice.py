"""One plane of a DICOM file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .dicom_data import PixelData

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
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
        columns in mm; empty if the file does not give them, or no valid numbers.
    thickness, between : float
        Thickness, and distance to the next slice, by the file; 0 if it does not give them.
    location, instance : float, optional
        Place along the normal relative to the others, and number in the series.
    moment : float, optional
        Trigger time or number of the time point.
    over_time : bool
        Whether frames without a position are a film.
    rescale : tuple of float
        Slope and intercept.
    pixels : PixelData
        How the pixels are stored.
    image, captured : bool
        Whether this is an image to measure in; whether it is a picture of a screen or a sheet.
    on_detector : bool
        Whether the spacing is that on the detector of a projection.
    refused : str
        Why it cannot be read as what it is: "a mosaic of slices".
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
    between: float
    location: float | None
    instance: float | None
    moment: float | None
    over_time: bool
    rescale: tuple[float, float]
    pixels: PixelData
    image: bool
    captured: bool
    on_detector: bool = False
    refused: str = ""
