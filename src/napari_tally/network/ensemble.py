"""Ensembles: the mean of several networks, and of mirrored copies of their input.

Networks that were trained independently err independently: the mean of their prediction maps is
more accurate than any of them. After Lakshminarayanan et al., 2017, "Simple and scalable predictive
uncertainty estimation using deep ensembles", https://doi.org/10.48550/arXiv.1612.01474; mirrored
copies as in nnU-Net (Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, combinations

from torch import Tensor, nn


class Mean(nn.Module):
    """The mean output of networks.

    Parameters
    ----------
    members : sequence of torch.nn.Module
        Each maps (B, C, *spatial) to (B, channels, *spatial).
    mirrored : sequence of int
        Spatial dimensions. The mean is also over mirrored copies along all subsets of them.
    """

    def __init__(self, members: Sequence[nn.Module], mirrored: Sequence[int] = ()) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        counts = range(len(mirrored) + 1)
        self.flips = list(chain.from_iterable(combinations(mirrored, n) for n in counts))

    def forward(self, image: Tensor, activate: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Return the mean of the outputs, each activated first if `activate` is given."""
        total: Tensor | None = None
        for axes in self.flips:
            view = image.flip(axes) if axes else image
            for member in self.members:
                output = member(view).float()
                output = output if activate is None else activate(output)
                output = output.flip(axes) if axes else output
                total = output if total is None else total + output
        assert total is not None
        return total / (len(self.flips) * len(self.members))


def activated(network: nn.Module, image: Tensor, activate: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the activated prediction maps of a network, or their mean over a `Mean`."""
    if isinstance(network, Mean):
        maps: Tensor = network(image, activate)
        return maps
    return activate(network(image).float())
