"""Start a network from the weights of one with other input or output channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def adapted_weights(
    weights: Mapping[str, Tensor], network: nn.Module
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return weights for a network, and the names of those that had to be new.

    A layer with other input channels sees each of them as the mean of the former ones, at the same
    total weight: an image repeated in all channels gives the same output as before. Layers that
    differ otherwise, as those of the output, keep the network's own weights.

    Parameters
    ----------
    weights : dict of str to Tensor
        Of the network to start from.
    network : torch.nn.Module
        Freshly initialized.
    """
    found, new = {}, []
    for name, own in network.state_dict().items():
        given = weights.get(name)
        if given is not None and given.shape == own.shape:
            found[name] = given
        elif given is not None and _differs_in_inputs(given, own):
            mean = given.mean(1, keepdim=True) * (given.shape[1] / own.shape[1])
            found[name] = mean.expand_as(own).clone()
        else:
            found[name] = own
            new.append(name)
    return found, tuple(new)


def _differs_in_inputs(given: Tensor, own: Tensor) -> bool:
    same = given.ndim == own.ndim > 1
    return same and given.shape[:1] + given.shape[2:] == own.shape[:1] + own.shape[2:]
