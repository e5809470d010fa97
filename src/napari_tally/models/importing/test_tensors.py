"""Test tensors of a model: the output that its authors got for an image of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ModelError
from ...network.runtimes.runtime import reordered

if TYPE_CHECKING:
    from pathlib import Path

AGREEMENT = 1e-4
_LARGEST = 2**31  # bytes


def read_tensor(path: Path, axes: str) -> NDArray[Any]:
    """Read a .npy file of one image as (C, *spatial).

    Parameters
    ----------
    axes : str
        Its axes, the batch first.

    Raises
    ------
    ModelError
        If it is damaged, or has other axes.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError(f"{path.name} has {path.stat().st_size:,} bytes: no test tensor")
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"The test tensor {path.name} cannot be read: {error}") from error
    if (
        not isinstance(array, np.ndarray)
        or array.ndim != len(axes)
        or array.dtype.kind not in "buif"
    ):
        raise ModelError(f"The test tensor {path.name} is no array with the axes {axes}")
    if axes.startswith("b"):
        array, axes = array[0], axes[1:]
    return reordered(array, axes, "czyx" if "z" in axes else "cyx")


def check_agreement(found: NDArray[Any], expected: NDArray[Any], name: str) -> str:
    """Return a sentence about how well an output agrees with its test tensor.

    Raises
    ------
    ModelError
        If it does not: by more than `AGREEMENT`, of values beyond 1 relative to the largest.
    """
    if found.shape != expected.shape:
        raise ModelError(
            f"The output of {name} for its own test image has the shape {found.shape}, but that of "
            f"its test tensor is {expected.shape}"
        )
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    both = np.isfinite(found) == np.isfinite(expected)
    worst = float(np.abs(np.nan_to_num(found) - np.nan_to_num(expected)).max(initial=0))
    allowed = AGREEMENT * max(1.0, float(np.abs(np.nan_to_num(expected)).max(initial=0)))
    if worst > allowed or not both.all():
        raise ModelError(
            f"The output of {name} for its own test image differs from its test tensor by up to "
            f"{worst:.2g}, more than {allowed:.2g}",
            hint="The package is damaged, or does not say all about how images are prepared",
        )
    return f"Its own test image gives its test output (largest difference {worst:.1g})"
