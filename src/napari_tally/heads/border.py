"""The three classes of touching objects: background, inside and border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import find_boundaries

if TYPE_CHECKING:
    from torch import Tensor

    from .base import Labels

BACKGROUND, INSIDE, BORDER = 0, 1, 2


def border_classes(labels: Labels) -> NDArray[np.float32]:
    """Return the one-hot classes of labels, shape (3, *spatial).

    A voxel of an object is border if one of its neighbours (diagonal ones too) is not of the same
    object, else inside.
    """
    edge = find_boundaries(labels, connectivity=labels.ndim, mode="inner")
    foreground = labels > 0
    return np.stack([~foreground, foreground & ~edge, foreground & edge]).astype(np.float32)


def border_loss(logits: Tensor, target: Tensor, border_weight: float) -> Tensor:
    """Return Dice + weighted cross-entropy of the three classes, shapes (B, 3, *spatial)."""
    import torch
    from monai.losses import DiceCELoss

    weight = torch.tensor([1.0, 1.0, border_weight], device=logits.device)
    loss: Tensor = DiceCELoss(softmax=True, weight=weight, batch=True)(logits, target)
    return loss
