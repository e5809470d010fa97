"""Convert between the world coordinates of file formats and of `Volume`.

`Volume.affine` maps (z, y, x) to (superior, posterior, left). DICOM and ITK map (x, y, z) to LPS+
(left, posterior, superior), NIfTI to RAS+ (right, anterior, superior).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ...core.volume import Volume

Matrix = NDArray[np.float64]


def backwards(affine: Matrix) -> Matrix:
    """Return an affine with the order of its axes reversed, from LPS+ (x, y, z) or to it."""
    result = np.array(affine, float)
    result[:-1, :-1] = result[-2::-1, -2::-1]
    result[:-1, -1] = result[-2::-1, -1]
    return result


def from_ras(affine: Matrix) -> Matrix:
    """Return the affine of a volume from that of a NIfTI, shape (4, 4)."""
    return backwards(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine)


def to_ras(affine: Matrix) -> Matrix:
    """Return the affine of a NIfTI from that of a volume, shape (4, 4)."""
    result: Matrix = np.diag([-1.0, -1.0, 1.0, 1.0]) @ backwards(affine)
    return result


def lengths(affine: Matrix) -> tuple[float, ...]:
    """Return the lengths of the columns of an affine: the spacing."""
    return tuple(float(v) for v in np.linalg.norm(affine[:-1, :-1], axis=0))


def usable(affine: Matrix) -> bool:
    """Return whether an affine is finite and invertible."""
    sizes = np.array(lengths(affine))
    if not np.isfinite(affine).all() or not (sizes > 0).all():
        return False
    return bool(abs(np.linalg.det(affine[:-1, :-1] / sizes)) > 1e-6)


def affine_of(volume: Volume) -> Matrix:
    """Return the affine of a volume, made from its spacing if it has none."""
    if volume.affine is not None:
        return np.asarray(volume.affine, float)
    return np.diag([*volume.spacing_in(volume.unit), 1.0])


def in_plane(affine: Matrix) -> Matrix | None:
    """Return the affine of (y, x) from that of (z, y, x); None if the plane is oblique."""
    out = affine[0, 1:3], affine[1:3, 0]
    return affine[1:, 1:] if np.allclose(out, 0, atol=1e-6 * np.abs(affine[:3, :3]).max()) else None


def with_slices(affine: Matrix, thickness: float) -> Matrix:
    """Return the affine of one slice (z, y, x) from that of its plane (y, x)."""
    result = np.eye(4)
    result[1:, 1:] = affine
    result[0, 0] = thickness
    return result
