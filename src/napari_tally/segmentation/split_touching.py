"""Split touching objects of a mask or labels by shape, without a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import InputError
from ..core.progress import Step, Steps
from ..heads.decoding.watershed import basins
from ..objects.relabel import relabel, smallest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.volume import Volume

NECK = 0.8
_STEP = 0.7  # voxels: smaller bumps of the distance are artefacts of the grid
STAGE = "separate touching objects"


def split_steps(labels: Volume, neck: float = NECK) -> Steps[Volume]:
    """Split objects at their necks; yield every frame.

    The distance to the border is high in the middle of each object and low in the neck where two
    touch: a watershed of the distance, as in Vincent & Soille, 1991, https://doi.org/10.1109/34.87344,
    with basins merged by persistence (see `basins`).

    Parameters
    ----------
    labels : Volume
        A mask or labels, without channels; different labels are never merged.
    neck : float
        Objects are split where the neck is narrower than this share of the smaller one.

    Returns
    -------
    Volume
        Ids from 1, unique over all frames.

    Raises
    ------
    InputError
        If there are channels, or values other than labels.
    """
    if "C" in labels.axes:
        raise InputError(
            f"{labels.name} has channels (axes {labels.axes})",
            hint="Use labels without channels",
        )
    sizes = labels.spacing_in(labels.unit)
    array = np.asarray(labels.array)
    frames = array if "T" in labels.axes else array[None]
    out, count = np.zeros(frames.shape, np.uint32), 0
    for number, frame in enumerate(frames):
        parts = split(frame, sizes, neck)
        out[number] = np.where(parts > 0, parts + count, 0)
        count += int(parts.max(initial=0))
        yield Step(STAGE, number + 1, len(frames))
    return replace(labels, array=out.reshape(array.shape).astype(smallest(count)))


def split(
    labels: NDArray[np.generic], spacing: tuple[float, ...], neck: float
) -> NDArray[np.int32]:
    """Return the objects of one frame, shape (Y, X) or (Z, Y, X), with ids from 1."""
    import edt

    objects = relabel(labels)
    distance = edt.edt(objects, anisotropy=spacing, black_border=False)
    # A label without border has no distance: it is one object.
    distance = np.where(np.isfinite(distance), distance, 1)
    return basins(distance, objects, neck, _STEP * min(spacing))
