"""Losses over the voxels with known labels; the target of others is NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def known_part(target: Tensor) -> tuple[Tensor, Tensor]:
    """Return a target, shape (B, C, *spatial), with NaN replaced by 0, and a mask of known voxels.

    The mask has the shape (B, 1, *spatial): 1 where labels are known, else 0.
    """
    known = target[:, :1].isfinite()
    return target.where(known, 0), known.to(target.dtype)


def mean_known(values: Tensor, known: Tensor) -> Tensor:
    """Return the mean of values, shape (B, C, *spatial), over known voxels; 0 without any."""
    return (values * known).sum() / (known.sum() * values.shape[1]).clamp(min=1)


def dice_loss(
    logits: Tensor, target: Tensor, known: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Return 1 - Dice of mutually exclusive classes, over the known voxels of a batch."""
    from monai.losses import DiceLoss

    loss: Tensor = DiceLoss(weight=weight, batch=True)(logits.softmax(1) * known, target * known)
    return loss


def cross_entropy(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the cross-entropy of each voxel, shape (B, 1, *spatial)."""
    from torch.nn import functional as F

    return F.cross_entropy(logits, target, weight, reduction="none").unsqueeze(1)


def dice_ce_loss(
    logits: Tensor, target: Tensor, known: Tensor, weight: Tensor | None = None
) -> Tensor:
    """Return Dice loss + (weighted) cross-entropy over known voxels."""
    entropy = mean_known(cross_entropy(logits, target, weight), known)
    return dice_loss(logits, target, known) + entropy
