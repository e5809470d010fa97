"""Where two layers meet: put on one grid if they show the same place in the viewer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...core.errors import InputError
from ...geometry.place import on_grid_of
from .placement import in_world, matrix_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels
    from numpy.typing import NDArray

    from ...core.volume import Volume

_SAME_FRAME = 0.05  # frames


def brought(
    volume: Volume, layer: Image | Labels, grid: Volume, grid_layer: Image | Labels, what: str = ""
) -> tuple[Volume, str]:
    """Return the volume of a layer on the grid of another layer, and a note on what was done.

    The transforms of the layers decide, as the viewer shows them: without units unless both have
    them. Other axes than the spatial ones are kept, and so is the spacing of the volume.

    Parameters
    ----------
    what : str
        What the other layer is, for messages: "the ground truth ".

    Raises
    ------
    InputError
        If they are in different places; the message has the distance.
    """
    for name, one, other in (
        ("axes", volume.axes.replace("C", ""), grid.axes.replace("C", "")),
        ("shape", volume.spatial_shape, grid.spatial_shape),
    ):
        if sorted(one) != sorted(other):
            raise InputError(
                f"{volume.name} has {name} {one}, but {what}{grid.name} has {other}",
                hint="Choose layers of the same image",
            )
    _check_frames(volume, layer, grid, grid_layer, what)
    placed = in_world(volume, layer), in_world(grid, grid_layer)
    if not all(each.calibrated for each in placed):
        placed = tuple(  # type: ignore[assignment]
            replace(each, spacing=None, unit="px", affine=_plain(each, own))
            for each, own in zip(placed, (layer, grid_layer), strict=True)
        )
    try:
        found, note = on_grid_of(placed[0], placed[1], what=what)
    except InputError as error:
        hint = "Choose layers of the same place, or correct their scale and translation"
        raise InputError(error.problem, hint=hint) from None
    return (replace(volume, array=found.array) if note else volume), note


def _plain(volume: Volume, layer: Image | Labels) -> NDArray[np.float64]:
    """Return the affine in the numbers of the layer, whatever its units are."""
    rows = [*(volume.axes.index(a) for a in volume.spatial_axes), layer.ndim]
    affine: NDArray[np.float64] = matrix_of(layer)[np.ix_(rows, rows)]
    return affine


def _check_frames(
    volume: Volume, layer: Image | Labels, grid: Volume, grid_layer: Image | Labels, what: str
) -> None:
    """Refuse series that have other frames."""
    if "T" not in volume.axes or "T" not in grid.axes:
        return
    (step, start), (other_step, other_start) = (
        (matrix_of(own)[t, t], matrix_of(own)[t, -1])
        for own, t in ((layer, volume.axes.index("T")), (grid_layer, grid.axes.index("T")))
    )
    counts = [v.shape[v.axes.index("T")] for v in (volume, grid)]
    apart = abs(start - other_start) / abs(other_step)
    if counts[0] == counts[1] and np.isclose(step, other_step) and apart <= _SAME_FRAME:
        return
    raise InputError(
        f"{volume.name} and {what}{grid.name} have other frames: {counts[0]} and {counts[1]}, "
        f"which begin {apart:.3g} frames apart",
        hint="Choose layers of the same frames",
    )
