"""The numbers of a DICOM file as they are stored, after the rescale of each plane.

Plain and run-length coded pixels are decoded by pydicom, others by GDCM (SimpleITK). GDCM inverts
MONOCHROME1 and rescales some kinds of images only, so it gets a copy that asks for neither.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import FileError
from .claimed_size import check_free_memory
from .dicom_data import DEFLATED
from .dicom_file import BROKEN, opened, silent

if TYPE_CHECKING:
    from pydicom import Dataset

    from .dicom_data import PixelData
    from .dicom_slice import Slice

_RLE = "1.2.840.10008.1.2.5"
PALETTE = "PALETTE COLOR"
_COPIED = (
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PlanarConfiguration", "NumberOfFrames", "PhotometricInterpretation",
)  # fmt: skip
_EXACT = 2**24  # whole numbers up to here are exact in float32
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7.2"


def dtype_of(slices: Sequence[Slice]) -> np.dtype[Any]:
    """Return the dtype of the rescaled numbers of some planes.

    That of the file without a rescale; the smallest integers for one rescale of whole numbers;
    else floats.
    """
    stored = np.dtype(slices[0].pixels.dtype)
    if slices[0].pixels.look == PALETTE:
        return np.dtype(np.uint8)
    rescales = {plane.rescale for plane in slices}
    if rescales == {(1.0, 0.0)} or stored.kind == "f":
        return stored
    low, high = _range(slices)
    if len(rescales) == 1 and all(v.is_integer() for v in slices[0].rescale):
        for kind in ("u1", "i2", "u2", "i4", "u4", "i8"):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return np.dtype(kind)
    bits = max(plane.pixels.bits for plane in slices)
    return np.dtype(np.float32 if 2**bits <= _EXACT else np.float64)


def _range(slices: Sequence[Slice]) -> tuple[float, float]:
    bits = max(plane.pixels.bits for plane in slices)
    signed = slices[0].pixels.dtype[0] == "i"
    ends = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1)) if signed else (0.0, 2.0**bits)
    slope, intercept = slices[0].rescale
    values = [end * slope + intercept for end in (ends[0], ends[1] - 1)]
    return min(values), max(values)


def read_planes(
    path: Path,
    pixels: PixelData,
    rescales: Sequence[tuple[float, float]],
    shape: tuple[int, ...],
    dtype: Any,
) -> NDArray[Any]:
    """Return the planes of a file, (frames, Y, X) or (frames, Y, X, C), each rescaled.

    Raises
    ------
    FileError
        If it is damaged, of another shape, or larger than the memory.
    """
    check_free_memory(path, math.prod(shape) * np.dtype(dtype).itemsize)
    try:
        stored = _stored(path, pixels)
    except BROKEN:
        raise FileError(
            f"The DICOM file {path} is damaged or has no image", hint="Copy or export it again"
        ) from None  # the message may quote the file
    stored = stored.reshape(len(rescales), *stored.shape[-len(shape) + 1 :])
    if stored.shape != shape:
        raise FileError(f"{path} has pixels of shape {stored.shape}, but its header has {shape}")
    if all(rescale == (1.0, 0.0) for rescale in rescales):
        return stored.astype(dtype, copy=False)
    planes = np.empty(shape, dtype)
    for plane, given, (slope, intercept) in zip(planes, stored, rescales, strict=True):
        plane[...] = given * slope + intercept
    return planes


def _stored(path: Path, pixels: PixelData) -> NDArray[Any]:
    """Return the numbers of a file, colours as red, green and blue."""
    from pydicom import dcmread
    from pydicom.pixels import apply_color_lut

    with opened(path) as (header, file):
        syntax = header.file_meta.TransferSyntaxUID
        data = file[pixels.start : pixels.start + pixels.length]  # not what follows them
        if syntax == DEFLATED:
            header = dcmread(path)
        elif pixels.dtype[0] == "f":
            name = "FloatPixelData" if pixels.dtype == "f4" else "DoubleFloatPixelData"
            setattr(header, name, data)
        else:
            header.PixelData = data
            header["PixelData"].VR = pixels.kind
            header["PixelData"].is_undefined_length = syntax.is_encapsulated
        if syntax.is_encapsulated and syntax != _RLE:
            array = _by_gdcm(header)
        else:
            array = _by_pydicom(header)
        if pixels.look == PALETTE:
            colours = apply_color_lut(array, header)
            array = (colours >> 8 * (colours.itemsize - 1)).astype(np.uint8)
    return np.asarray(array)


def _by_pydicom(header: Dataset) -> NDArray[Any]:
    """Decode pixels; bits below the lowest stored one (HighBit of old files) are no data."""
    from pydicom.pixels import pixel_array

    stored = int(header.get("BitsStored") or header.BitsAllocated)
    below = int(header.get("HighBit") or stored - 1) + 1 - stored
    below = below if 0 < below <= int(header.BitsAllocated) - stored else 0
    header.BitsStored = stored + below
    array: NDArray[Any] = pixel_array(header, allow_excess_frames=False)
    return array >> below if below else array


def _by_gdcm(header: Dataset) -> NDArray[Any]:
    """Decode compressed pixels with GDCM, from a copy without rescale and patient."""
    import SimpleITK
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = _CAPTURE, generate_uid()
    copy = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    copy.SOPClassUID, copy.SOPInstanceUID = _CAPTURE, meta.MediaStorageSOPInstanceUID
    for name in _COPIED:
        if name in header:
            setattr(copy, name, header[name].value)
    if header.PhotometricInterpretation in ("MONOCHROME1", PALETTE):
        copy.PhotometricInterpretation = "MONOCHROME2"
    copy.PixelData = header.PixelData
    copy["PixelData"].is_undefined_length = True
    with tempfile.TemporaryDirectory() as folder, silent():
        path = Path(folder) / "pixels.dcm"
        copy.save_as(path, enforce_file_format=True)
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
        reader = SimpleITK.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        try:
            array: NDArray[Any] = SimpleITK.GetArrayFromImage(reader.Execute())
        except RuntimeError:
            raise ValueError("GDCM cannot decode it") from None
    return array
