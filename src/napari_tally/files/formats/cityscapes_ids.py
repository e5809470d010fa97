"""The values of `*_instanceIds.png` of Cityscapes: class x 1000 + number.

https://github.com/mcordts/cityscapesScripts
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INSTANCES = "_instanceIds.png"
PER_CLASS = 1000


def objects_of(array: NDArray[Any]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return consecutive ids of the objects in values of `*_instanceIds.png`, and their classes."""
    values, inverse = np.unique(array, return_inverse=True)
    is_object = values >= PER_CLASS
    ids = np.where(is_object, np.cumsum(is_object), 0)
    class_of = np.concatenate([[0], values[is_object].astype(np.int64) // PER_CLASS])
    return ids[inverse].reshape(array.shape).astype(np.uint32), class_of


def is_instances(path: Path) -> bool:
    """Return whether a file is named as the objects of Cityscapes."""
    return path.name.endswith(INSTANCES)
