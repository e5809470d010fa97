"""Convert between the axis orders of files and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.errors import InputError
from ...core.volume import AXES

if TYPE_CHECKING:
    from ...core.volume import Volume

ORDER = "TCZYX"


def arranged(volume: Volume, array: Any, axes: str) -> Any:
    """Transpose the array of a volume to `axes`, with length 1 along those it lacks."""
    return restored(array, volume.axes, axes)


def restored(array: Any, axes: str, order: str) -> Any:
    """Transpose axes to another order, with length 1 along those that are missing."""
    moved = array.transpose([axes.index(a) for a in order if a in axes])
    sizes = iter(moved.shape)
    return moved.reshape([next(sizes) if a in axes else 1 for a in order])


def squeezed(array: Any, axes: str, keep: str = "YX") -> tuple[Any, str]:
    """Drop the axes of length 1, except those to keep."""
    kept = "".join(a for a, n in zip(axes, array.shape, strict=True) if n > 1 or a in keep)
    shape = [n for a, n in zip(axes, array.shape, strict=True) if a in kept]
    return array.reshape(shape), kept


def given_axes(axes: str, shape: tuple[int, ...], name: str, own: str) -> str:
    """Return the axes that a user gives to an array, in upper case; `own` are those of the file.

    Raises
    ------
    InputError
        If they are not one letter of TCZYX an axis.
    """
    axes = axes.strip().upper()
    if len(axes) != len(shape) or len(set(axes)) != len(axes) or set(axes) - set(AXES):
        raise InputError(
            f"Axes {axes!r} do not fit {name} of shape {shape}",
            hint=f"Set one letter of {AXES} per axis. The file has {own}",
        )
    return axes
