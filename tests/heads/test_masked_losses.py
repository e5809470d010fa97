"""Voxels with unknown labels are ignored in the loss of any head; known ones count as before."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.losses import DiceCELoss
from pydantic import ValidationError

from napari_tally.heads import Boundary, Center, Distance, Flow, Panoptic, Semantic
from napari_tally.heads.panoptic import PanopticClass

PANOPTIC = Panoptic(classes=(PanopticClass(name="cell", kind="thing"),), objects=Boundary())
HEADS = [Boundary(), Center(), Distance(), Flow(), PANOPTIC, Semantic(weights=(0.5, 3))]


def _maps(head, shape=(16, 16)) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random output, and the target of two objects that touch."""
    labels = np.zeros(shape, np.int32)
    labels[..., 2:8, 2:8] = 1
    labels[..., 8:14, 2:8] = 1 if head.name == "semantic" else 2
    if head.name == "panoptic":
        labels = head.merged(labels, labels > 0).astype(np.int32)
    target = torch.from_numpy(head.encode(labels))[None]
    output = torch.from_numpy(np.random.default_rng(0).normal(size=target.shape))
    return output.float().requires_grad_(), target


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
@pytest.mark.parametrize("shape", [(16, 16), (4, 16, 16)])
def test_unknown_voxels_give_no_gradient_and_the_others_do(head, shape) -> None:
    output, target = _maps(head, shape)
    unknown = torch.zeros(shape, dtype=torch.bool)
    unknown[..., :5, :] = True
    target[:, :, unknown] = torch.nan
    loss = head.loss(output, target)
    loss.backward()
    assert loss.isfinite()
    assert (output.grad[:, :, unknown] == 0).all()
    assert (output.grad[:, :, ~unknown].abs().sum(1) > 0).all()


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
def test_outputs_at_unknown_voxels_do_not_change_the_loss(head) -> None:
    output, target = _maps(head)
    target[:, :, :5] = torch.nan
    other = output.detach().clone()
    other[:, :, :5] = 100
    assert head.loss(other, target) == pytest.approx(head.loss(output, target).item())


@pytest.mark.parametrize("head", HEADS, ids=lambda h: h.name)
def test_a_patch_without_known_labels_has_no_gradient(head) -> None:
    output, target = _maps(head)
    head.loss(output, torch.full_like(target, torch.nan)).backward()
    assert (output.grad == 0).all()


def test_where_all_is_known_the_loss_is_that_of_monai() -> None:
    output, target = _maps(Semantic())
    theirs = DiceCELoss(softmax=True, batch=True)(output, target)
    assert Semantic().loss(output, target).item() == pytest.approx(theirs.item(), rel=1e-6)


def test_a_class_of_higher_weight_has_a_larger_gradient() -> None:
    output, target = _maps(Semantic())
    pull = {}
    for weight in (1.0, 4.0):
        output.grad = None
        Semantic(weights=(1, weight)).loss(output, target).backward()
        pull[weight] = output.grad[:, :, target[0, 1] > 0].abs().sum().item()
    assert pull[4.0] > 2 * pull[1.0]


@pytest.mark.parametrize("weights", [(1, 2, 3), (1, 0)])
def test_weights_that_do_not_fit_the_classes_are_refused(weights) -> None:
    with pytest.raises(ValidationError, match=r"3 weights for 1 classes|must be positive"):
        Semantic(weights=weights)
