"""Spacing, orientation and position in the header of a NIfTI."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.volume import Forms
from .voxel_size import logger, spacing_of
from .world_coordinates import from_ras, in_plane, lengths, usable

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

_UNITS = {1: "m", 2: "mm", 3: "um"}
_SPATIAL_BITS = 0x07
_APART = 0.02  # voxels between the places by sform and qform that are more than rounding

_OTHER_SIZE = 1e-2  # relative

Geometry = tuple[tuple[float, ...] | None, str, NDArray[np.float64] | None, Forms | None]


def geometry(header: Nifti1Header, axes: str, name: str) -> Geometry:
    """Return spacing, unit, affine and forms; none of them if the header is invalid.

    The affine is the sform, else the qform.
    """
    sizes = np.array(header["pixdim"][1:4], float)
    if (sizes < 0).any():
        logger.warning("%s: sizes of voxels are negative; read without sign.", name)
        header["pixdim"][1:4] = np.abs(sizes)
    sform, qform = _forms(header)
    given = [form for form in (sform, qform) if form is not None]
    good = [form for form in given if usable(form)]
    if given and not good:
        text = "%s: the affine is zero or not a number; the orientation is not known."
        logger.warning(text, name)
    world = good[0] if good else None
    spacing, unit = _spacing(header, world, bool(given), axes, name)
    if spacing is None or world is None:
        return spacing, unit, None, None
    forms = Forms(int(header["sform_code"]), int(header["qform_code"]))
    if len(good) == 2:
        forms = _compared(sform, qform, header, name)
    elif qform is None:
        _check_sizes(world, sizes, name)
    affine = from_ras(world)
    return spacing, unit, affine if "Z" in axes else in_plane(affine), forms


def _spacing(
    header: Nifti1Header, world: NDArray[np.float64] | None, coded: bool, axes: str, name: str
) -> tuple[tuple[float, ...] | None, str]:
    sizes = lengths(world) if world is not None else tuple(map(float, header["pixdim"][1:4]))
    code = int(header["xyzt_units"]) & _SPATIAL_BITS
    if code == 0 and not coded and set(sizes) == {1.0}:
        return None, "px"  # an empty header
    if code == 0:
        logger.warning("%s: the header gives no unit of length; taken to be mm.", name)
    elif code not in _UNITS:
        logger.warning("%s: the unit of length %d is not known; read as uncalibrated.", name, code)
        return None, "px"
    unit = _UNITS.get(code, "mm")
    return spacing_of(axes, {a: (s, unit) for a, s in zip("XYZ", sizes, strict=True)}, name)


def _forms(
    header: Nifti1Header,
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return sform and qform, None if the header has none, zeros if it is invalid."""
    from nibabel.spatialimages import HeaderDataError

    forms = []
    for get in (header.get_sform, header.get_qform):
        try:
            forms.append(get(coded=True)[0])
        except (HeaderDataError, ValueError, np.linalg.LinAlgError):
            forms.append(np.zeros((4, 4)))
    return forms[0], forms[1]


def _check_sizes(world: NDArray[np.float64], sizes: NDArray[np.float64], name: str) -> None:
    """Warn if the sform has other voxel sizes than those that ITK takes, which are in `pixdim`."""
    own = lengths(world)
    if not np.allclose(own, np.abs(sizes), rtol=_OTHER_SIZE):
        both = (" x ".join(f"{v:.3g}" for v in values) for values in (own, np.abs(sizes)))
        logger.warning(
            "%s: the sform has voxels of %s, pixdim has %s; those of the sform are used. Other "
            "programs may use the latter.", name, *both,
        )  # fmt: skip


def _compared(
    sform: NDArray[np.float64] | None,
    qform: NDArray[np.float64] | None,
    header: Nifti1Header,
    name: str,
) -> Forms:
    """Return both forms, with a warning if they place the corners of the image apart."""
    codes = int(header["sform_code"]), int(header["qform_code"])
    if sform is None or qform is None:
        return Forms(*codes)
    shape = (*header.get_data_shape(), 1, 1)[:3]
    corners = np.array([[*c, 1] for c in product(*((0, n - 1) for n in shape))]).T
    apart = float(np.linalg.norm(((sform - qform) @ corners)[:3], axis=0).max())
    if apart <= _APART * min(lengths(sform)):
        return Forms(*codes)
    logger.warning(
        "%s: sform and qform place it up to %.3g apart (in its unit); the sform is used. Programs "
        "that follow the qform show it elsewhere, and results with it.", name, apart,
    )  # fmt: skip
    return Forms(*codes, from_ras(qform) @ np.linalg.inv(from_ras(sform)))
