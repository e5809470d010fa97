"""Small DICOM series with known positions in the patient, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

STRAIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
PATIENT = {"PatientName": "Moritz^Erika", "PatientID": "4711-XY", "PatientBirthDate": "19640812"}


def save_series(
    folder: Path,
    array: np.ndarray,
    positions: np.ndarray,
    directions: tuple[float, ...] = STRAIGHT,
    spacing: tuple[float, float] = (0.8, 0.7),
    prefix: str = "slice",
    **tags: object,
) -> list[Path]:
    """Write an array (Z, Y, X) of int16 as a series; file names are not in order."""
    folder.mkdir(parents=True, exist_ok=True)
    tags = {"SeriesInstanceUID": generate_uid(), "SeriesNumber": 2, "Modality": "CT"} | tags
    paths = []
    for number, (plane, position) in enumerate(zip(array, positions, strict=True)):
        path = folder / f"{prefix}{(number * 7 + 3) % 11:02d}{number}.dcm"
        save_slice(path, plane, position, directions, spacing, **tags)
        paths.append(path)
    return paths


def save_slice(
    path: Path,
    plane: np.ndarray,
    position: np.ndarray | None,
    directions: tuple[float, ...] = STRAIGHT,
    spacing: tuple[float, float] = (0.8, 0.7),
    **tags: object,
) -> Path:
    """Write one plane (Y, X) of int16; a tag of None is left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    header.StudyDate, header.AcquisitionDate = "20210304", "20210304"
    header.Rows, header.Columns = plane.shape
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 16, 15
    header.SamplesPerPixel, header.PixelRepresentation = 1, 1
    header.PhotometricInterpretation = "MONOCHROME2"
    if position is not None:
        header.ImagePositionPatient = [f"{v:.6g}" for v in position]
        header.ImageOrientationPatient = [f"{v:.10g}" for v in directions]
    header.PixelSpacing = list(spacing)
    header.SliceThickness = 9.0  # not the distance of slices
    for key, value in (PATIENT | tags).items():
        if value is not None:
            setattr(header, key, value)
    header.PixelData = plane.astype("<i2").tobytes()
    header.save_as(path, enforce_file_format=True)
    return path


def along(count: int, step: tuple[float, ...] = (0.0, 0.0, 2.5)) -> np.ndarray:
    """Return positions one step apart."""
    return np.array([-10.0, 20.0, 30.0]) + np.arange(count)[:, None] * np.array(step)


def save_enhanced(path: Path, array: np.ndarray, positions: np.ndarray) -> Path:
    """Write an array (Z, Y, X) of int16 as one file of many frames, each with its position."""
    save_slice(path, array[0], None, Modality="MR", SOPClassUID=EnhancedMRImageStorage)
    header = dcmread(path)
    header.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    header.NumberOfFrames = len(array)
    del header.PixelSpacing, header.SliceThickness
    measures, turn, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.8, 0.7], 9.0
    turn.ImageOrientationPatient = list(STRAIGHT)
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [turn]
    header.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for position in positions:
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = [float(v) for v in position]
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    header.PerFrameFunctionalGroupsSequence = frames
    header.PixelData = array.astype("<i2").tobytes()
    header.save_as(path, enforce_file_format=True)
    return path
