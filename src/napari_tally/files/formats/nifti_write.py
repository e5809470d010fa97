"""Write a NIfTI that viewers align with the image, and whose labels they show as labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.atomic import replacing
from ...core.quantity import LENGTHS
from ...core.volume import Forms
from .axis_order import arranged
from .label_dtype import numbers_of
from .world_coordinates import affine_of, lengths, to_ras, with_slices

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header, Nifti1Image

    from ...core.volume import Volume

LABEL_INTENT = 1002
KEY = "napari-tally"  # key of our notes in a comment
COMMENT = 6  # code of a header extension of plain text
_LABEL_TYPES = ("uint8", "int16", "uint16", "int32")  # in the order of how widely they are read
_UNIT_NAMES = {"m": "meter", "mm": "mm", "um": "micron"}


def write(volume: Volume, path: Path) -> None:
    """Write a NIfTI with the same affine; labels with the intent that viewers show as labels.

    Axes become (X, Y, Z, T, C). The order that they had and the channels' names are kept in a
    comment of the header.

    Raises
    ------
    InputError
        If NIfTI does not have the dtype.
    FileError
        If the folder cannot be written.
    """
    from nibabel.nifti1 import Nifti1Extension, Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    array = numbers_of(volume, path.name, _LABEL_TYPES)
    held = next(axes for axes in ("CTZYX", "TZYX", "ZYX", "YX") if axes[0] in volume.axes)
    data = arranged(volume, array, held).transpose()
    kind = Nifti1Image if max(data.shape) < 2**15 else Nifti2Image
    image = kind(data, None, dtype=data.dtype)
    _place(image, volume)
    if volume.is_labels:
        image.header.set_intent(LABEL_INTENT, name="labels")
    elif "C" in volume.axes:
        image.header.set_intent("vector")
    note = {KEY: {"axes": volume.axes, "channel_names": volume.channel_names}}
    image.header.extensions.append(Nifti1Extension(COMMENT, json.dumps(note).encode()))
    with replacing(path) as part:
        image.to_filename(part)


def _place(image: Nifti1Image, volume: Volume) -> None:
    """Write the affine, the size of a voxel and the units into a header."""
    header = image.header
    time = "sec" if "T" in volume.axes else None  # marks the axis as time; its step is not known
    if not volume.calibrated:
        header.set_xyzt_units(None, time)
        return
    unit = volume.unit if volume.unit in _UNIT_NAMES else "mm"
    factor = LENGTHS[volume.unit] / LENGTHS[unit]
    header.set_xyzt_units(_UNIT_NAMES[unit], time)
    affine = affine_of(volume)
    if len(affine) == 3:
        affine = with_slices(affine, lengths(affine)[0])
    affine[:3] *= factor
    sizes = lengths(affine)[::-1]
    header.set_zooms((*sizes, *(0.0 for _ in header.get_zooms()))[: len(header.get_zooms())])
    if volume.affine is not None:
        _place_in_world(header, affine, volume.forms, factor)


def _place_in_world(
    header: Nifti1Header, affine: NDArray[np.float64], forms: Forms | None, factor: float
) -> None:
    """Write sform and qform, with the codes of the source and as far apart as there."""
    forms = forms or Forms(1, 1)
    world = to_ras(affine)
    by_qform = world
    if forms.to_qform is not None:
        between = forms.to_qform.copy()
        between[:3, 3] *= factor
        by_qform = to_ras(between @ affine)
    axes = by_qform[:3, :3] / lengths(by_qform)
    square = np.allclose(axes.T @ axes, np.eye(3), atol=1e-4)  # a qform cannot hold a shear
    sform_code = forms.sform_code if forms.sform_code or square else 1
    header.set_sform(world if sform_code else None, code=sform_code)
    code = forms.qform_code if square else 0
    header.set_qform(by_qform if code else None, code=code)
