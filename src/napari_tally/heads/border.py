"""The three classes of touching objects: background, inside and border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from .base import Labels

BACKGROUND, INSIDE, BORDER = 0, 1, 2
BORDER_NAMES = ("background", "inside", "border")


def border_classes(labels: Labels) -> NDArray[np.float32]:
    """Return the one-hot classes of labels, shape (3, *spatial).

    A voxel of an object is border if one of its neighbours (diagonal ones too) is not of the same
    object, else inside.
    """
    from skimage.segmentation import find_boundaries

    edge = find_boundaries(labels, connectivity=labels.ndim, mode="inner")
    foreground = labels > 0
    return np.stack([~foreground, foreground & ~edge, foreground & edge]).astype(np.float32)


def border_loss(logits: Tensor, target: Tensor, border_weight: float, gap_weight: float) -> Tensor:
    """Return Dice + weighted cross-entropy of the three classes, shapes (B, 3, *spatial).

    Borders between touching objects are few voxels but decide whether two objects come out as one:
    they count `gap_weight` times more, as in the weight map of Ronneberger et al., 2015.
    """
    import torch
    from monai.losses import DiceLoss
    from torch.nn import functional as F

    weight = torch.tensor([1.0, 1.0, border_weight], device=logits.device)
    dice: Tensor = DiceLoss(softmax=True, weight=weight, batch=True)(logits, target)
    entropy = F.cross_entropy(logits, target, weight, reduction="none")
    return dice + (entropy * (1 + gap_weight * _between(target))).mean()


def _between(target: Tensor) -> Tensor:
    """Return 1 where a border voxel has no background beside it, else 0; shape (B, *spatial)."""
    from torch.nn import functional as F

    pool = F.max_pool2d if target.ndim == 4 else F.max_pool3d
    near_background = pool(target[:, BACKGROUND : BACKGROUND + 1], 3, stride=1, padding=1)
    return target[:, BORDER] * (1 - near_background[:, 0])
