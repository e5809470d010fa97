"""Convert to half precision and back: PyTorch uses all threads, numpy one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


def as_float16(array: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return an array in half precision, with the same memory layout."""
    if not _shared(array):
        return array.astype(np.float16, copy=False)
    halved: NDArray[np.float16] = _tensor(array).half().numpy()
    return halved


def as_float32(array: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return a contiguous array in single precision."""
    import torch

    if array.dtype != np.float16 or not _shared(array):
        return np.ascontiguousarray(array, dtype=np.float32)
    tensor = _tensor(array).to(torch.float32, memory_format=torch.contiguous_format)
    converted: NDArray[np.float32] = tensor.numpy()
    return converted


def write(array: NDArray[np.float32], into: NDArray[np.float16]) -> None:
    """Copy an array into one of half precision and the same shape."""
    if _shared(array) and _shared(into):
        _tensor(into).copy_(_tensor(array))
    else:
        into[...] = array


def _shared(array: NDArray[Any]) -> bool:
    """Return whether PyTorch can use the memory of an array."""
    return array.flags.writeable and min(array.strides, default=1) >= 0


def _tensor(array: NDArray[Any]) -> Tensor:
    import torch

    return torch.from_numpy(np.asarray(array))
