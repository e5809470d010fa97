"""The three classes of touching objects: background, inside and border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .masked_losses import cross_entropy, dice_loss, known_part, mean_known

if TYPE_CHECKING:
    from torch import Tensor

    from .base import Labels

BACKGROUND, INSIDE, BORDER = 0, 1, 2
BORDER_NAMES = ("background", "inside", "border")


def border_classes(labels: Labels) -> NDArray[np.float32]:
    """Return the one-hot classes of labels, shape (3, *spatial).

    A voxel of an object is border if one of its neighbours (full connectivity) is not in the same
    object, else inside.
    """
    from skimage.segmentation import find_boundaries

    edge = find_boundaries(labels, connectivity=labels.ndim, mode="inner")
    foreground = labels > 0
    return np.stack([~foreground, foreground & ~edge, foreground & edge]).astype(np.float32)


def border_loss(logits: Tensor, target: Tensor, border_weight: float, gap_weight: float) -> Tensor:
    """Return Dice + weighted cross-entropy of the three classes, shapes (B, 3, *spatial).

    Borders between touching objects have few voxels but decide whether objects are merged: their
    weight is `gap_weight` times higher, as in the weight map of Ronneberger et al., 2015.
    """
    import torch

    target, known = known_part(target)
    weight = torch.tensor([1.0, 1.0, border_weight], device=logits.device)
    entropy = cross_entropy(logits, target, weight) * (1 + gap_weight * _between(target, known))
    return dice_loss(logits, target, known, weight) + mean_known(entropy, known)


def _between(target: Tensor, known: Tensor) -> Tensor:
    """Return 1 where a border voxel has no background neighbour, else 0; shape (B, 1, *spatial).

    Unknown voxels count as background.
    """
    from torch.nn import functional as F

    pool = F.max_pool2d if target.ndim == 4 else F.max_pool3d
    background = target[:, BACKGROUND : BACKGROUND + 1].maximum(1 - known)
    near_background = pool(background, 3, stride=1, padding=1)
    return target[:, BORDER : BORDER + 1] * (1 - near_background)
