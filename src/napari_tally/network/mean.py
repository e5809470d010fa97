"""The mean of several networks, and of mirrored copies of what they see.

Networks that learnt apart err apart: their mean is more accurate than any of them. As in nnU-Net
(Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z) it is taken before probabilities
are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations

from torch import Tensor, nn


class Mean(nn.Module):
    """The mean output of networks.

    Parameters
    ----------
    members : sequence of torch.nn.Module
        Each maps (B, C, *spatial) to (B, channels, *spatial).
    mirrored : sequence of int
        Spatial dimensions. The mean is over all ways of mirroring some of them, too.
    """

    def __init__(self, members: Sequence[nn.Module], mirrored: Sequence[int] = ()) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        counts = range(len(mirrored) + 1)
        self.ways = list(chain.from_iterable(combinations(mirrored, n) for n in counts))

    def forward(self, image: Tensor) -> Tensor:
        total: Tensor | None = None
        for way in self.ways:
            seen = image.flip(way) if way else image
            for member in self.members:
                output = member(seen).float()
                output = output.flip(way) if way else output
                total = output if total is None else total + output
        assert total is not None
        return total / (len(self.ways) * len(self.members))
